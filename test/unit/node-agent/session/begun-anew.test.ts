import { describe, expect, test } from '@jest/globals';
import { endedStreams, totalsOf } from '../../../support/core-facts.ts';
import { AgentInMemory } from '../support/agent-in-memory.ts';
import { FakeDevice } from '../support/fake-device.ts';
import { FakeFreezer } from '../support/fake-freezer.ts';
import { settle } from '../support/manual-clock.ts';

/** What the devices of a node are after it was started anew: they run, and hold nothing of what they were bound with. */
function afterReboot(device: FakeDevice): FakeDevice {
  device.state = 'Running';
  device.life += 1;
  device.operations.length = 0;
  return device;
}

/** The agent of the same disk after its node was started anew, where a new workload runs in place of the one before. */
async function rebooted(agent: AgentInMemory): Promise<AgentInMemory> {
  agent.registry.stop();
  await settle();
  const fresh = FakeFreezer.healthy();
  fresh.anew = ['life 1', 'life 2'];
  const next = new AgentInMemory(agent.devices.map(afterReboot), fresh, agent.disk);
  await next.registry.recover();
  await settle();
  return next;
}

/** A source whose set is stopped, its streams taken by the target. */
async function stopped(): Promise<AgentInMemory> {
  const agent = new AgentInMemory([FakeDevice.healthy('a/0'), FakeDevice.healthy('a/1')]);
  await agent.prepareSource();
  await agent.send('source', { kind: 'quiesce', timeoutMs: 5_000, waitOnTimeout: false }, 1_000);
  await agent.send('source', { kind: 'stop', generation: 1 });
  await settle();
  agent.streams.saves.at(-1)?.listener.onProgress(endedStreams(totalsOf(2, 1)));
  await settle();
  expect(agent.session()).toMatchObject({ phase: 'Stopped' });
  return agent;
}

describe('a workload that began anew on the source node after it was started again', () => {
  test('is not ended by the release, which resets none of its devices', async () => {
    const agent = await rebooted(await stopped());
    const { refusal } = await agent.sendAs({ fence: 2, sequence: 1 }, 'source', {
      kind: 'release',
      decision: 'Commit',
    });
    await settle();
    expect(refusal).toBeNull();
    expect(agent.session()).toMatchObject({ phase: 'Released' });
    expect(agent.freezer).toMatchObject({ now: 'running', calls: [] });
    expect(agent.devices.map(({ operations }) => operations)).toEqual([[], []]);
  });

  test('is not told of devices that the set before it has lost', async () => {
    const agent = await rebooted(await stopped());
    await agent.sendAs({ fence: 2, sequence: 1 }, 'source', { kind: 'rollBack', decision: 'Abort' });
    await settle();
    expect(agent.session()).toMatchObject({
      phase: 'RolledBack',
      devices: [{ lost: true }, { lost: true }],
    });
    expect(agent.freezer).toMatchObject({ now: 'running', calls: [] });
  });
});

test('a workload that is the one of the set is ended by the release', async () => {
  const agent = await stopped();
  await agent.send('source', { kind: 'release', decision: 'Commit' }, 1_000);
  await settle();
  expect(agent.session()).toMatchObject({ phase: 'Released' });
  expect(agent.freezer.calls).toEqual(['freeze', 'discard']);
});

test('a workload that began anew on the target node is not stopped for a copy that was given up', async () => {
  const before = new AgentInMemory([FakeDevice.healthy('b/0')]);
  await before.prepareTarget();
  await settle();
  before.freezer.now = 'frozen';
  before.streams.loads[0]?.listener.onProgress(endedStreams(totalsOf(1, 1)));
  await settle();
  await before.send('target', { kind: 'verify', generation: 1, expected: totalsOf(1, 1) }, 1_000);
  const agent = await rebooted(before);
  await agent.sendAs({ fence: 2, sequence: 1 }, 'target', { kind: 'discard', decision: 'Commit' });
  await settle();
  expect(agent.session()).toMatchObject({ phase: 'Discarded' });
  expect(agent.freezer).toMatchObject({ now: 'running', calls: [] });
});
