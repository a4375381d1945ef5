import { beforeEach, describe, expect, test } from '@jest/globals';
import { AgentCallError, type AgentClientOptions } from '@transship/node-agent/contract';
import { ClientPool } from '@transship/operator/internal/agents/pool';
import type { AgentReply, MigrationKey } from '@transship/operator/internal/reconcile/ports';
import { WorkQueue } from '@transship/operator/internal/reconcile/work-queue';

import { callError, FakeClient, snapshot } from '../support/fake-agent.ts';
import { ManualClock, settle } from '../support/manual-clock.ts';
import { RecordLog } from '../support/record-log.ts';

/** As production has it: workers, deadline of a call, and what a migration pauses at most between two looks. */
const WORKERS = 16;
const CALL_DEADLINE_MS = 10_000;
const SETBACK_CEILING_MS = 10_000;
const PATIENCE_MS = 1_000;
const REQUEST = {
  header: { uid: 'uid-1', fence: 1, sequence: 1, operator: 'op' },
  role: 'source',
  command: { kind: 'attach' },
} as const;

/** Answers at once while its node lives, and nothing before the deadline while it does not. */
class NodeClient extends FakeClient {
  questions = 0;
  readonly #clock: ManualClock;
  readonly #isDead: () => boolean;

  constructor(clock: ManualClock, isDead: () => boolean) {
    super();
    this.#clock = clock;
    this.#isDead = isDead;
  }

  override async command() {
    await this.#reach();
    return { session: snapshot('a', 1), refusal: null };
  }

  override async listSessions() {
    this.questions += 1;
    await this.#reach();
    return [];
  }

  async #reach(): Promise<void> {
    if (!this.#isDead()) return;
    await this.#clock.sleep(CALL_DEADLINE_MS, new AbortController().signal);
    throw callError('DeadlineExceeded');
  }
}

let clock: ManualClock;
let dead: Set<string>;
let clients: Map<string, NodeClient>;

beforeEach(() => {
  clock = new ManualClock();
  dead = new Set();
  clients = new Map();
});

function poolOf(patienceMs: number | null, made: (client: NodeClient) => void = () => undefined): ClientPool {
  const pem = Buffer.from('pem');
  return new ClientPool({
    endpoints: { endpoint: (node) => `${node}:7443` },
    tls: { current: { cert: pem, key: pem, ca: pem, revision: '1' } },
    createClient: ({ nodeName }: AgentClientOptions) => {
      const client = new NodeClient(clock, () => dead.has(nodeName ?? ''));
      made(client);
      clients.set(nodeName ?? '', client);
      return client;
    },
    clock,
    log: new RecordLog(),
    patienceMs,
  });
}

const call = (pool: ClientPool, node: string, signal = new AbortController().signal) =>
  pool.agent(node)?.command(REQUEST, 0, signal) as Promise<AgentReply>;

/**
 * One migration whose agent answers beside those of 20 nodes that are off, on the queue of production. Returns the longest
 * time that it stood ready without a worker, in milliseconds, after the first `warmUpMs`.
 */
async function longestWait(patienceMs: number | null, warmUpMs: number): Promise<number> {
  const pool = poolOf(patienceMs);
  for (let node = 0; node < 20; node += 1) dead.add(`off-${node}`);
  let longest = 0;
  let looks = 0;
  const run = async ({ name }: MigrationKey, signal: AbortSignal) => {
    const answer = await call(pool, name, signal);
    if (answer.kind === 'unreachable') return { kind: 'requeue', afterMs: SETBACK_CEILING_MS / 2 } as const;
    looks += 1;
    return { kind: 'requeue', afterMs: 1_000 } as const;
  };
  const queue = new WorkQueue({
    clock,
    concurrency: WORKERS,
    run,
    backoff: { firstMs: 50, capMs: 10_000 },
    minFailureGapMs: 200,
    observer: {
      added: () => undefined,
      started: ({ name }, waitedMs) => {
        if (name === 'lives' && clock.now() >= warmUpMs) longest = Math.max(longest, waitedMs);
      },
      finished: () => undefined,
      failed: () => undefined,
    },
  });
  for (const name of [...dead, 'lives']) queue.add({ namespace: 'ml', name });
  for (let second = 0; second < 120; second += 1) await clock.advance(1_000);
  expect(looks).toBeGreaterThan(0);
  // Calls that are out return only with time.
  const stopped = queue.stop();
  await clock.advance(CALL_DEADLINE_MS);
  await stopped;
  return longest;
}

describe('20 nodes that are off, and one migration between nodes that are not', () => {
  test('wait for each other where every call has its whole deadline', async () => {
    expect(await longestWait(null, 0)).toBeGreaterThanOrEqual(CALL_DEADLINE_MS);
  });

  test('wait for a moment at first, and not at all later, where the dead are known', async () => {
    expect(await longestWait(PATIENCE_MS, 0)).toBeLessThanOrEqual(2 * PATIENCE_MS);
    clock = new ManualClock();
    expect(await longestWait(PATIENCE_MS, 20_000)).toBeLessThanOrEqual(PATIENCE_MS);
  });
});

describe('an agent that is not known to live', () => {
  test('is asked once by whoever comes, and called as soon as it answers', async () => {
    const pool = poolOf(PATIENCE_MS);
    dead.add('gpu-a');
    const first = [call(pool, 'gpu-a'), call(pool, 'gpu-a')];
    await clock.advance(PATIENCE_MS);
    for (const answer of await Promise.all(first))
      expect(answer).toMatchObject({ kind: 'unreachable', failure: { code: 'AgentUnreachable' } });
    expect(clients.get('gpu-a')?.questions).toBe(1);
    await clock.advance(CALL_DEADLINE_MS);
    dead.clear();
    expect(await call(pool, 'gpu-a')).toMatchObject({ kind: 'session' });
    expect(await call(pool, 'gpu-a')).toMatchObject({ kind: 'session' });
    expect(clients.get('gpu-a')?.questions).toBe(2);
  });

  test('is said to be silent for the reason that it was found so', async () => {
    const pool = poolOf(PATIENCE_MS);
    await call(pool, 'gpu-a');
    dead.add('gpu-a');
    const lost = call(pool, 'gpu-a');
    await clock.advance(CALL_DEADLINE_MS);
    expect(await lost).toMatchObject({ failure: { code: 'DeadlineExceeded' } });
    const next = call(pool, 'gpu-a');
    await clock.advance(PATIENCE_MS);
    expect(await next).toMatchObject({
      failure: { code: 'DeadlineExceeded', message: 'it is DeadlineExceeded' },
    });
  });

  test('lives when it refuses the question, as one of another version does', async () => {
    const pool = poolOf(PATIENCE_MS, (client) => {
      const skew = new AgentCallError('VersionSkew', 'UNIMPLEMENTED', 'no such rpc', null);
      client.listSessions = () => Promise.reject(skew);
    });
    expect(await call(pool, 'gpu-a')).toMatchObject({ kind: 'session' });
  });

  test('holds nobody up who gives up meanwhile', async () => {
    const pool = poolOf(PATIENCE_MS);
    dead.add('gpu-a');
    const end = new AbortController();
    const waiting = call(pool, 'gpu-a', end.signal);
    await settle();
    end.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
  });
});
