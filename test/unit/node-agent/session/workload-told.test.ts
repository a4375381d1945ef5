import { describe, expect, test } from '@jest/globals';
import { WorkloadGone } from '@transship/node-agent/internal/workload/freezer';
import { AgentInMemory } from '../support/agent-in-memory.ts';
import { FakeDevice } from '../support/fake-device.ts';
import { FakeFreezer } from '../support/fake-freezer.ts';
import { settle } from '../support/manual-clock.ts';

const UNDECIDED = { kind: 'rollBack', decision: 'Undecided' } as const;
const ABORT = { kind: 'rollBack', decision: 'Abort' } as const;

/** Its workload does not listen to the first `calls` that tell it of a RESET. */
function deafFor(calls: number, agent: AgentInMemory): AgentInMemory {
  const { freezer } = agent;
  const tell = freezer.devicesReset.bind(freezer);
  let told = 0;
  freezer.devicesReset = (ids) => {
    told += 1;
    return told <= calls ? Promise.reject(new Error('busy')) : tell(ids);
  };
  return agent;
}

async function rollBackFromPreCopy(agent: AgentInMemory): Promise<void> {
  await agent.prepareSource();
  await agent.send('source', { kind: 'preCopy', generation: 1 }, 1_000);
  await agent.send('source', UNDECIDED, 1_000);
  await settle();
}

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
    expect(agent.freezer.calls).toEqual(['devices reset: a/1', 'thaw']);
  });

  test('that was told while RESET was under way is told again when it has ended', async () => {
    const agent = new AgentInMemory([FakeDevice.healthy('a/0'), FakeDevice.failingAt('a/1', 'Running')]);
    const { devices, freezer } = agent;
    for (const device of devices)
      if (device.facts !== null) device.facts = { ...device.facts, protocol: 'v2' };
    const resetEnds = Promise.withResolvers<void>();
    const reset = devices[1]!.reset.bind(devices[1]);
    devices[1]!.reset = (restore) => resetEnds.promise.then(() => reset(restore));
    const thawEnds = Promise.withResolvers<void>();
    const thaw = freezer.thaw.bind(freezer);
    freezer.thaw = () => thawEnds.promise.then(thaw);
    await agent.prepareSource();
    await agent.send('source', { kind: 'quiesce', timeoutMs: 60_000, waitOnTimeout: false }, 1_000);
    await agent.send('source', UNDECIDED);
    await settle();
    expect(freezer.calls).toEqual(['freeze', 'devices reset: a/1']);
    resetEnds.resolve();
    await settle();
    thawEnds.resolve();
    await settle();
    expect(agent.session()).toMatchObject({
      phase: 'RolledBack',
      devices: [{ lost: false }, { lost: true }],
    });
    expect(freezer.calls).toEqual(['freeze', 'devices reset: a/1', 'thaw', 'devices reset: a/1', 'thaw']);
  });

  test('that does not listen is told again by the next command, and the set is not home before', async () => {
    const agent = deafFor(1, new AgentInMemory([FakeDevice.failingAt('a/0', 'Running')]));
    await rollBackFromPreCopy(agent);
    expect(agent.session()).toMatchObject({ phase: 'RollingBack', error: { code: 'ArcFailed' } });
    expect(agent.devices[0]?.state).toBe('Running');
    await agent.send('source', UNDECIDED, 1_000);
    await settle();
    expect(agent.session()).toMatchObject({ phase: 'RolledBack', devices: [{ lost: true }] });
    expect(agent.session()?.devices[0]?.untold).toBeUndefined();
    expect(agent.freezer.calls).toEqual(['devices reset: a/0', 'thaw']);
  });

  test('is told by an agent that was restarted before it had listened', async () => {
    const before = deafFor(1, new AgentInMemory([FakeDevice.failingAt('a/0', 'Running')]));
    await rollBackFromPreCopy(before);
    before.registry.stop();
    const after = new AgentInMemory(before.devices, FakeFreezer.healthy(), before.disk);
    await after.registry.recover();
    await settle();
    expect(after.freezer.calls).toEqual(['devices reset: a/0', 'thaw']);
    expect(after.session()).toMatchObject({ phase: 'RolledBack' });
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

  test('that has ended while the set was stopped holds its devices up no longer', async () => {
    const agent = new AgentInMemory([FakeDevice.healthy('a/0')]);
    await agent.prepareSource();
    await agent.send('source', { kind: 'quiesce', timeoutMs: 60_000, waitOnTimeout: false }, 1_000);
    void agent.send('source', { kind: 'stop', generation: 1 });
    await settle();
    agent.freezer.thaw = () => Promise.reject(new WorkloadGone('nobody listens'));
    void agent.send('source', ABORT);
    await settle();
    expect(agent.devices[0]?.state).toBe('Running');
    expect(agent.session()).toMatchObject({ phase: 'RolledBack', error: { code: 'WorkloadFailed' } });
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
