import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { eventually } from '../support/managed-process.ts';
import { expectIdle, expectSetMoved, expectNoViolations, expectSetRuns } from '../support/set-checks.ts';
import { flowing, TwoNodes } from '../support/two-nodes.ts';

/** One pair of nodes for all: whatever is aborted leaves both as they were. */
let nodes: TwoNodes;
const devices = [0, 1, 2, 3];

beforeAll(async () => {
  nodes = await TwoNodes.start();
});

afterAll(async () => {
  await nodes[Symbol.asyncDispose]();
});

/** The object is deleted and gone, the set runs on the source with nothing lost, the target is free again. */
async function expectAborted(name: string): Promise<void> {
  const { phase, message } = await nodes.ended(name);
  expect({ phase, message }).toMatchObject({ phase: 'Aborted', message: 'the DeviceMigration was deleted' });
  await eventually(`${name} is gone`, 5_000, async () => ((await nodes.status(name)) === null ? true : null));
  await expectSetRuns(nodes.source, { devices });
  await expectIdle(nodes.target, { devices });
  await expectNoViolations(nodes);
}

/** What was recorded as the decision of one migration, which may be gone. */
async function decisions(uid: string): Promise<string[]> {
  const lines = (await nodes.operator.log()).split('\n').filter((line) => line.includes('"msg":"decision"'));
  const found = lines.map((line) => JSON.parse(line) as { uid: string; to: string; outcome: string });
  return found.filter((one) => one.uid === uid && one.outcome === 'written').map(({ to }) => to);
}

test('a set that is deleted during pre-copy runs on', async () => {
  await nodes.apply('early', { strategy: { bandwidthLimit: '2M' } });
  await nodes.waitFor('early', 'data flows', flowing('PreCopy'));
  await nodes.delete('early');
  await expectAborted('early');
});

test('a set that is deleted while it becomes quiet runs on', async () => {
  // The device finishes only when its workload is thawed, so nothing but the way back gets it out of there.
  await nodes.source.control.fault(1, 'pri');
  await nodes.apply('quiescing', { strategy: { mode: 'StopCopy', quiesceTimeout: '20s' } });
  await eventually('three devices are quiet', 15_000, async () => {
    const quiet = (await nodes.source.states()).filter((state) => state === 'RunningP2P');
    return quiet.length === 3 ? true : null;
  });
  await nodes.delete('quiescing');
  await expectAborted('quiescing');
  await nodes.source.control.clear(1);
});

test('a set that is deleted while its stopped devices drain runs again', async () => {
  await nodes.apply('draining', { strategy: { mode: 'StopCopy', bandwidthLimit: '2M' } });
  await nodes.waitFor('draining', 'data flows', flowing('StopCopy'));
  expect(await nodes.source.states()).toEqual(devices.map(() => 'StopCopy'));
  const uid = await nodes.uid('draining');
  await nodes.delete('draining');
  await expectAborted('draining');
  expect(await decisions(uid)).toEqual(['Abort']);
});

test('a set that is deleted while its target judges the state runs again', async () => {
  await nodes.apply('verifying', { strategy: { bandwidthLimit: '8M' } });
  await nodes.waitFor('verifying', 'the target loads', ({ phase }) => phase === 'PreCopy');
  // From here on the target writes Stop once: when it leaves Resuming.
  await nodes.target.control.fault(2, 'stall-arc', { to: 0x0, ms: 3_000, count: 1 });
  await nodes.waitFor('verifying', 'the target verifies', ({ phase }) => phase === 'Verifying');
  const uid = await nodes.uid('verifying');
  await nodes.delete('verifying');
  await expectAborted('verifying');
  expect(await decisions(uid)).toEqual(['Abort']);
});

test('a set that is deleted after the decision arrives all the same', async () => {
  await nodes.apply('decided', { strategy: { bandwidthLimit: '8M' } });
  await nodes.waitFor('decided', 'the target loads', flowing('PreCopy'));
  // From here on the target is sent to RunningP2P once: when it is activated.
  await nodes.target.control.fault(3, 'stall-arc', { to: 0x9, ms: 2_000, count: 1 });
  await nodes.waitFor('decided', 'Commit', ({ decision }) => decision.value === 'Commit');
  const uid = await nodes.uid('decided');
  await nodes.delete('decided');
  expect((await nodes.ended('decided')).phase).toBe('Succeeded');
  expect(await decisions(uid)).toEqual(['Commit']);
  await expectSetMoved(nodes, devices);
});
