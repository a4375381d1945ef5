import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { eventually } from '../support/managed-process.ts';
import { expectIdle, expectSetMoved, expectNoViolations, expectSetRuns } from '../support/set-checks.ts';
import { flowing, TwoNodes } from '../support/two-nodes.ts';

/** One pair of nodes for all: whatever is aborted leaves both as they were. */
let nodes: TwoNodes;
const devices = [0, 1, 2, 3];
/** A second, of the 16 MiB that are to be moved: half a minute in which a test can act. */
const SLOW = '500k';

beforeAll(async () => {
  // Frames so small that something arrives all the time.
  nodes = await TwoNodes.start({ agents: ['--frame-bytes', '65536'] });
});

afterAll(async () => {
  await nodes[Symbol.asyncDispose]();
});

/** The object is deleted and gone, the set runs on the source with nothing lost, the target is free again. */
async function expectAborted(name: string): Promise<void> {
  const { phase, message } = await nodes.ended(name);
  expect({ phase, message }).toMatchObject({ phase: 'Aborted', message: 'the DeviceMigration was deleted' });
  await eventually(`${name} is gone`, 60_000, async () =>
    (await nodes.status(name)) === null ? true : null,
  );
  await expectSetRuns(nodes.source, { devices });
  await expectIdle(nodes.target, { devices });
  await expectNoViolations(nodes);
}

/** Every device of the target waits for its state. */
const targetLoads = (): Promise<true> =>
  eventually('the target loads', 60_000, async () =>
    (await nodes.target.states()).every((state) => state === 'Resuming') ? true : null,
  );

/** What was recorded as the decision of one migration, which may be gone. */
async function decisions(uid: string): Promise<string[]> {
  const lines = (await nodes.operator.log()).split('\n').filter((line) => line.includes('"msg":"decision"'));
  const found = lines.map((line) => JSON.parse(line) as { uid: string; to: string; outcome: string });
  return found.filter((one) => one.uid === uid && one.outcome === 'written').map(({ to }) => to);
}

test('a set that is deleted during pre-copy runs on', async () => {
  await nodes.apply('early', { strategy: { bandwidthLimit: SLOW } });
  await nodes.waitFor('early', 'data flows', flowing('PreCopy'));
  await nodes.delete('early');
  await expectAborted('early');
});

test('a set that is deleted while it becomes quiet runs on', async () => {
  // The device finishes only when its workload is thawed, so nothing but the way back gets it out of there.
  const letGo = await nodes.source.holdQuiet(1);
  await nodes.apply('quiescing', { strategy: { mode: 'StopCopy' } });
  await eventually('three devices are quiet', 60_000, async () => {
    const quiet = (await nodes.source.states()).filter((state) => state === 'RunningP2P');
    return quiet.length === 3 ? true : null;
  });
  await nodes.delete('quiescing');
  await expectAborted('quiescing');
  await letGo();
});

test('a set that is deleted while its stopped devices drain runs again', async () => {
  await nodes.apply('draining', { strategy: { mode: 'StopCopy', bandwidthLimit: SLOW } });
  await nodes.waitFor('draining', 'data flows', flowing('StopCopy'));
  expect(await nodes.source.states()).toEqual(devices.map(() => 'StopCopy'));
  const uid = await nodes.uid('draining');
  await nodes.delete('draining');
  await expectAborted('draining');
  expect(await decisions(uid)).toEqual(['Abort']);
});

test('a set that is deleted while its target judges the state runs again', async () => {
  const letGo = await nodes.source.holdQuiet(0);
  await nodes.apply('verifying');
  await targetLoads();
  // From here on the target writes Stop once: when it leaves Resuming.
  await nodes.target.control.fault(2, 'stall-arc', { to: 0x0, ms: 10_000, count: 1 });
  await letGo();
  await nodes.waitFor('verifying', 'the target verifies', ({ phase }) => phase === 'Verifying');
  const uid = await nodes.uid('verifying');
  await nodes.delete('verifying');
  await expectAborted('verifying');
  expect(await decisions(uid)).toEqual(['Abort']);
});

test('a set that is deleted after the decision arrives all the same', async () => {
  const letSourceGo = await nodes.source.holdQuiet(0);
  await nodes.apply('decided');
  await targetLoads();
  const letTargetGo = await nodes.target.holdQuiet(3);
  await letSourceGo();
  await nodes.waitFor('decided', 'Commit', ({ decision }) => decision.value === 'Commit');
  const uid = await nodes.uid('decided');
  await nodes.delete('decided');
  await letTargetGo();
  expect((await nodes.ended('decided')).phase).toBe('Succeeded');
  expect(await decisions(uid)).toEqual(['Commit']);
  await expectSetMoved(nodes, devices);
});
