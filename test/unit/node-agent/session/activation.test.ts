import { expect, test } from '@jest/globals';
import type { Freezer } from '@transship/node-agent/internal/workload/freezer';
import { endedStreams, totalsOf } from '../../../support/core-facts.ts';
import { AgentInMemory } from '../support/agent-in-memory.ts';
import { FakeDevice } from '../support/fake-device.ts';
import { settle } from '../support/manual-clock.ts';

const ACTIVATE = { kind: 'activate', decision: 'Commit' } as const;

/** An agent whose only device has been loaded and verified, with the workload frozen. */
async function verified(): Promise<AgentInMemory> {
  const agent = new AgentInMemory([FakeDevice.healthy('b/0')]);
  await agent.prepareTarget();
  await settle();
  agent.freezer.now = 'frozen';
  agent.streams.loads[0]!.listener.onProgress(endedStreams(totalsOf(1, 1)));
  await settle();
  await agent.send('target', { kind: 'verify', generation: 1, expected: totalsOf(1, 1) }, 1_000);
  expect(agent.session()).toMatchObject({ phase: 'Verified', error: null });
  return agent;
}

test('a workload that is as it was verified is thawed', async () => {
  const agent = await verified();
  expect(await agent.send('target', ACTIVATE, 1_000)).toMatchObject({ refusal: null });
  expect(agent.session()).toMatchObject({ phase: 'Active' });
  expect(agent.freezer.now).toBe('running');
});

test('a workload whose process is proven to be gone is found out too, and one that only hangs is waited for', async () => {
  const agent = await verified();
  agent.freezer.now = 'unknown';
  expect(await agent.send('target', ACTIVATE, 1_000)).toMatchObject({ refusal: { code: 'ThawFailed' } });
  expect(agent.session()).toMatchObject({ phase: 'Verified', devices: [{ lost: false }] });
  agent.freezer.gone = true;
  expect(await agent.send('target', ACTIVATE, 1_000)).toMatchObject({ refusal: { code: 'WorkloadFailed' } });
  expect(agent.session()).toMatchObject({ phase: 'Verified', devices: [{ lost: true }] });
});

test('a workload that began anew since then is found out before the point of no return', async () => {
  const agent = await verified();
  agent.freezer.now = 'discarded';
  expect(await agent.send('target', ACTIVATE, 1_000)).toMatchObject({ refusal: { code: 'WorkloadFailed' } });
  expect(agent.session()).toMatchObject({ phase: 'Verified', devices: [{ lost: true }] });
  expect(agent.devices[0]!.state).toBe('Stop');
});

test('a target that is taken back is frozen by another attempt than its thaw, which is refused from then on', async () => {
  const agent = await verified();
  const control: Freezer = agent.freezer;
  const freeze = agent.freezer.freeze.bind(agent.freezer);
  const named: string[] = [];
  control.thaw = (savingId) => {
    named.push(`thaw ${savingId}`);
    return Promise.reject(new Error('no answer in time'));
  };
  control.freeze = (savingId) => {
    named.push(`freeze ${savingId}`);
    return freeze();
  };
  await agent.send('target', ACTIVATE, 1_000);
  expect(agent.session()).toMatchObject({ phase: 'Starting', error: { code: 'ThawFailed' } });
  agent.devices[0]!.life += 1;
  await agent.send('target', { kind: 'discard', decision: 'Revert' }, 1_000);
  await settle();
  expect(agent.session()).toMatchObject({ phase: 'Discarded' });
  expect(named).toEqual(['thaw uid-1/1', 'freeze uid-1']);
});
