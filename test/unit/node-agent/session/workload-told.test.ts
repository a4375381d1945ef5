import { describe, expect, test } from '@jest/globals';
import { AgentInMemory } from '../support/agent-in-memory.ts';
import { FakeDevice } from '../support/fake-device.ts';
import { settle } from '../support/manual-clock.ts';

const UNDECIDED = { kind: 'rollBack', decision: 'Undecided' } as const;
const ABORT = { kind: 'rollBack', decision: 'Abort' } as const;

describe('a workload whose device was reset on the way back', () => {
  test('that runs already is told as soon as it happened', async () => {
    // Refuses an arc of the way back, so that only RESET brings it home.
    const agent = new AgentInMemory([FakeDevice.healthy('a/0'), FakeDevice.failingAt('a/1', 'Running')]);
    await agent.prepareSource();
    await agent.send('source', { kind: 'preCopy', generation: 1 }, 1_000);
    await agent.send('source', UNDECIDED, 1_000);
    await settle();
    expect(agent.session()).toMatchObject({
      phase: 'RolledBack',
      devices: [{ lost: false }, { lost: true }],
    });
    expect(agent.freezer.calls).toEqual(['devices reset: a/1']);
  });

  test.each([
    ['until it listens', 2, 3],
    ['a few times when it never listens, which is logged as an error', 1_000, 6],
  ])('that runs is told again %s', async (_name, deafFor, told) => {
    const agent = new AgentInMemory([FakeDevice.failingAt('a/0', 'Running')]);
    let calls = 0;
    agent.freezer.devicesReset = () => {
      calls += 1;
      return calls <= deafFor ? Promise.reject(new Error('busy')) : Promise.resolve();
    };
    await agent.prepareSource();
    await agent.send('source', { kind: 'preCopy', generation: 1 }, 1_000);
    await agent.send('source', UNDECIDED, 1_000);
    await settle();
    expect(agent.session()?.phase).toBe('RolledBack');
    await agent.clock.advance(60_000);
    expect(calls).toBe(told);
    const errors = agent.log.lines.filter(({ level }) => level === 'error');
    expect(errors).toHaveLength(deafFor < told ? 0 : 1);
  });

  test('that is frozen is told before it is thawed', async () => {
    const agent = new AgentInMemory([FakeDevice.healthy('a/0'), FakeDevice.failingAt('a/1', 'StopCopy')]);
    await agent.prepareSource();
    await agent.send('source', { kind: 'quiesce', timeoutMs: 60_000, waitOnTimeout: false }, 1_000);
    await agent.send('source', { kind: 'stop', generation: 1 }, 1_000);
    // Somebody resets it while the set is stopped.
    agent.devices[1]!.life += 1;
    agent.devices[1]!.state = 'Running';
    await agent.send('source', ABORT, 1_000);
    await settle();
    expect(agent.session()).toMatchObject({
      phase: 'RolledBack',
      devices: [{ lost: false }, { lost: true }],
    });
    expect(agent.freezer.calls).toEqual(['freeze', 'devices reset: a/1', 'thaw']);
  });

  test('is told of nothing when nothing was reset', async () => {
    const agent = new AgentInMemory([FakeDevice.healthy('a/0')]);
    await agent.prepareSource();
    await agent.send('source', { kind: 'quiesce', timeoutMs: 60_000, waitOnTimeout: false }, 1_000);
    await agent.send('source', UNDECIDED, 1_000);
    await settle();
    expect(agent.freezer.calls).toEqual(['freeze', 'thaw']);
  });
});
