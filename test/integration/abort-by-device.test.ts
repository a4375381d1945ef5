import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { eventually } from '../support/managed-process.ts';
import {
  expectIdle,
  expectMoved,
  expectNoViolations,
  expectSetRuns,
  expectTraffic,
  setOf,
} from '../support/set-checks.ts';
import { TwoNodes, type Status } from '../support/two-nodes.ts';

const devices = [0, 1, 2, 3];
/** One pair of nodes for most: a set that could not be moved is where it was, as it was. */
let nodes: TwoNodes;

beforeAll(async () => {
  nodes = await TwoNodes.start();
});

afterEach(async () => {
  for (const device of devices) await nodes.source.control.clear(device);
});

afterAll(async () => {
  await nodes[Symbol.asyncDispose]();
});

/** The migration has failed with this code, the set runs on the source with nothing lost, the target is free. */
async function expectFailed(name: string, code: string): Promise<Status> {
  const status = await nodes.waitFor(name, 'the end', ({ completedAt }) => completedAt !== undefined);
  expect({ phase: status.phase, code: status.error?.code }).toEqual({ phase: 'Failed', code });
  expect(status.conditions).toContainEqual(
    expect.objectContaining({ type: 'Stalled', status: 'True', reason: code }),
  );
  await expectSetRuns(nodes.source, { devices });
  await expectIdle(nodes.target, { devices });
  await expectNoViolations(nodes);
  return status;
}

test('one device of four that refuses to become quiet keeps the set where it is', async () => {
  await nodes.source.control.fault(2, 'refuse-arc', { to: 0xb, errno: 'EBUSY' });
  await nodes.apply('refused');
  const { error, decision } = await expectFailed('refused', 'ArcFailed');
  expect(error?.message).toMatch(/gpu-a\/2.*EBUSY/u);
  expect(decision.value).not.toBe('Commit');
});

test('one device of four that does not leave Resuming is tried again, then the set runs again', async () => {
  // What the source gives lacks its end, and only the device that is given it can know.
  await nodes.source.control.fault(1, 'truncate-stream', { segment: 3 });
  await nodes.apply('incomplete', { strategy: { mode: 'StopCopy' }, recovery: { retries: 1 } });
  const { decision, generation, error } = await expectFailed('incomplete', 'LoadRejected');
  expect({ decision: decision.value, generation }).toEqual({ decision: 'Abort', generation: 2 });
  expect(error?.message).toContain('gpu-b/1');
});

test('a device that is not quiet in time ends the migration when the policy is Abort', async () => {
  await nodes.source.control.fault(3, 'pri');
  await nodes.apply('late', { strategy: { quiesceTimeout: '300ms', onDeadline: 'Abort' } });
  await expectFailed('late', 'QuiesceTimeout');
});

test('a device that is not quiet in time is tried again when the policy is Wait', async () => {
  await nodes.source.control.fault(3, 'pri');
  await nodes.apply('patient', { strategy: { quiesceTimeout: '1s', onDeadline: 'Wait' } });
  await eventually('two tries are over', 90_000, async () => {
    const log = await nodes.source.agent.process.log();
    return log.split('"phase":"Unquiescing"').length > 2 ? true : null;
  });
  await nodes.source.control.clear(3);
  await expectMoved(nodes, 'patient', devices);
});

test('a device that breaks when it is stopped is reset and named, and the others run', async () => {
  await using nodes = await TwoNodes.start();
  const set = await setOf(nodes.source, 0);
  await nodes.source.control.fault(1, 'error-on-arc', { to: 0x2, count: 1 });
  await nodes.apply('broken');
  const status = await nodes.waitFor('broken', 'the end', ({ completedAt }) => completedAt !== undefined);
  expect(status).toMatchObject({
    phase: 'Failed',
    decision: { value: 'Abort' },
    error: { code: 'DeviceError', message: expect.stringContaining('gpu-a/1') },
  });
  expect(status.conditions).toContainEqual(
    expect.objectContaining({ type: 'Ready', status: 'False', reason: 'DeviceStateLost' }),
  );
  const lost = status.conditions.find(({ type }) => type === 'DeviceLost');
  expect(lost).toMatchObject({ status: 'True', message: expect.stringContaining('gpu-a/1') });
  expect(lost?.message).not.toMatch(/gpu-a\/[023]/u);
  expect(await nodes.source.states()).toEqual(devices.map(() => 'Running'));
  expect(await nodes.source.resets()).toEqual([0, 1, 0, 0]);
  await expectTraffic(nodes.source, set, 1);
  await expectIdle(nodes.target, { devices });
  await expectNoViolations(nodes);
});
