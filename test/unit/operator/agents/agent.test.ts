import { beforeEach, describe, expect, test } from '@jest/globals';
import { CONTRACT_VERSION, type AgentClient, type SessionSnapshot } from '@transship/node-agent/contract';
import { Agent } from '@transship/operator/internal/agents/agent';

import { callError, FakeClient, snapshot } from '../support/fake-agent.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { RecordLog } from '../support/record-log.ts';

const REQUEST = {
  header: { uid: 'uid-1', fence: 1, sequence: 1, operator: 'op' },
  role: 'source',
  command: { kind: 'attach' },
} as const;

let client: FakeClient;
let clock: ManualClock;
let agent: Agent;
let found: () => AgentClient | null;
let end: AbortController;

beforeEach(() => {
  client = new FakeClient();
  clock = new ManualClock();
  found = () => client;
  end = new AbortController();
  const circuit = (): null => null;
  agent = new Agent({ nodeName: 'gpu-a', client: () => found(), circuit, clock, log: new RecordLog() });
});

const description = (nodeName: string) => ({
  nodeName,
  agentVersion: '1',
  contractVersion: CONTRACT_VERSION,
  transferEndpoint: '10.0.0.1:7443',
  devices: [],
});

const throwing = (error: Error) => () => {
  throw error;
};

/** Runs a call while time passes. */
async function during<Result>(call: Promise<Result>): Promise<Result> {
  call.catch(() => undefined);
  await clock.advance(10_000);
  return call;
}

describe('a call to an agent', () => {
  test('gives the answer', async () => {
    const reply = { session: snapshot('a', 1), refusal: { code: 'StaleFence', message: '', device: null } };
    client.commands = [() => reply];
    expect(await agent.command(REQUEST, 500, end.signal)).toEqual({ kind: 'session', ...reply });
    client.describes = [() => description('gpu-a')];
    expect(await agent.describe([], end.signal)).toEqual({
      kind: 'devices',
      devices: [],
      transferEndpoint: '10.0.0.1:7443',
      podResources: null,
    });
  });

  test('is repeated when nothing came back, since the agent acts on it once', async () => {
    const reply = { session: snapshot('a', 1), refusal: null };
    client.commands = [
      throwing(callError('AgentUnreachable')),
      throwing(callError('AgentUnreachable')),
      () => reply,
    ];
    expect(await during(agent.command(REQUEST, 0, end.signal))).toMatchObject({ kind: 'session' });
    expect(client.calls).toBe(3);
  });

  test('says that the agent is unreachable after three attempts', async () => {
    client.commands = [throwing(callError('AgentUnreachable'))];
    expect(await during(agent.command(REQUEST, 0, end.signal))).toEqual({
      kind: 'unreachable',
      failure: { code: 'AgentUnreachable', message: 'it is AgentUnreachable', device: null },
    });
    expect(client.calls).toBe(3);
  });

  test('is not repeated past its deadline, nor after an answer that cannot be read', async () => {
    for (const code of ['DeadlineExceeded', 'Internal'] as const) {
      client.calls = 0;
      client.commands = [throwing(callError(code))];
      expect(await during(agent.command(REQUEST, 0, end.signal))).toMatchObject({ failure: { code } });
      expect(client.calls).toBe(1);
    }
  });

  test('goes to where the agent listens at each attempt', async () => {
    client.commands = [throwing(callError('AgentUnreachable'))];
    const moved = new FakeClient();
    moved.commands = [() => ({ session: snapshot('b', 1), refusal: null })];
    const call = agent.command(REQUEST, 0, end.signal);
    found = () => moved;
    expect(await during(call)).toMatchObject({ kind: 'session', session: { agentInstance: 'b' } });
  });

  test('says so when nobody knows where the agent listens', async () => {
    found = () => null;
    expect(await agent.describe([], end.signal)).toMatchObject({ failure: { code: 'AgentUnreachable' } });
  });

  test('does not believe the agent of another node', async () => {
    client.describes = [() => description('gpu-b')];
    expect(await agent.describe([], end.signal)).toMatchObject({ failure: { code: 'NodeUnknown' } });
  });

  test('is of no use when the agent speaks a version too far from ours', async () => {
    client.describes = [() => ({ ...description('gpu-a'), contractVersion: CONTRACT_VERSION + 2 })];
    expect(await agent.describe([], end.signal)).toMatchObject({
      failure: { code: 'VersionSkew', message: expect.stringMatching(/upgrade the operator$/) },
    });
  });

  test('rejects with the reason of the caller who gave up, at once also during a pause', async () => {
    client.commands = [throwing(callError('AgentUnreachable'))];
    const call = agent.command(REQUEST, 0, end.signal);
    call.catch(() => undefined);
    await clock.advance(1);
    end.abort(new Error('enough'));
    await expect(call).rejects.toThrow('enough');
    expect(client.calls).toBe(1);
  });

  test('lets a mistake of ours be seen', async () => {
    client.commands = [throwing(new TypeError('oops'))];
    await expect(agent.command(REQUEST, 0, end.signal)).rejects.toThrow('oops');
  });
});

describe('observing a session', () => {
  async function* stream(...items: (SessionSnapshot | Error)[]): AsyncGenerator<SessionSnapshot> {
    for (const item of items) {
      if (item instanceof Error) throw item;
      yield item;
    }
  }

  /** `instance version` of what the subscriber was told. */
  function observe(): string[] {
    const told: string[] = [];
    agent.observe(
      'uid-1',
      'source',
      (seen) => told.push(`${seen.agentInstance} ${seen.version}`),
      end.signal,
    );
    return told;
  }

  test('goes on after every end of the stream, by order of agent process and version', async () => {
    client.observes = [
      () => stream(snapshot('a', 1), snapshot('a', 2), callError('AgentUnreachable')),
      throwing(callError('AgentUnreachable')),
      () => stream(snapshot('a', 2), snapshot('a', 3)),
      () => stream(snapshot('b', 0)),
      () => stream(snapshot('a', 9)),
      () => stream(snapshot('b', 1)),
    ];
    const told = observe();
    await clock.advance(20_000);
    expect(told).toEqual(['a 1', 'a 2', 'a 3', 'b 0', 'b 1']);
  });

  test('asks less and less often while the agent is away, and often again once it was there', async () => {
    client.observes = [throwing(callError('AgentUnreachable'))];
    const told = observe();
    await clock.advance(60_000);
    expect(client.calls).toBeLessThanOrEqual(32);
    expect(client.calls).toBeGreaterThanOrEqual(12);
    client.observes = [() => stream(snapshot('a', 1)), throwing(callError('AgentUnreachable'))];
    while (told.length === 0) await clock.advance(50);
    const before = client.calls;
    await clock.advance(1_000);
    expect(client.calls - before).toBeGreaterThanOrEqual(3);
  });

  test('waits for an agent that nobody knows yet', async () => {
    found = () => null;
    const told = observe();
    await clock.advance(10_000);
    client.observes = [() => stream(snapshot('a', 1))];
    found = () => client;
    await clock.advance(5_000);
    expect(told).toEqual(['a 1']);
  });

  test('ends when aborted', async () => {
    client.observes = [() => stream()];
    observe();
    await clock.advance(1_000);
    end.abort();
    const { calls } = client;
    await clock.advance(60_000);
    expect(client.calls).toBe(calls);
  });
});
