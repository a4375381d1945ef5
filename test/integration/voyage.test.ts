import { expect, test } from '@jest/globals';
import { expectIdle, expectNoViolations, expectSetRuns } from '../support/set-checks.ts';
import { TwoNodes } from '../support/two-nodes.ts';

test('four devices that are busy with each other move with pre-copy, and nothing is lost', async () => {
  await using nodes = await TwoNodes.start({ memory: '8M', source: ['--dirty-rate', '4M'] });
  const devices = [0, 1, 2, 3];
  await nodes.apply('trainer');
  expect((await nodes.ended('trainer')).phase).toBe('Succeeded');
  const status = await nodes.waitFor('trainer', 'the record says so', ({ phase }) => phase === 'Succeeded');
  expect(status.decision).toMatchObject({ value: 'Commit' });
  expect(status.conditions).toMatchObject([{ type: 'Ready', status: 'True', reason: 'Succeeded' }]);
  expect(status).toMatchObject({ progress: '100%', downtimeEstimated: false });
  expect(status.error).toBeUndefined();
  expect(await nodes.digests(nodes.target, devices)).toEqual(await nodes.digests(nodes.source, devices));
  await expectSetRuns(nodes.target, { devices });
  await expectIdle(nodes.source, { devices });
  expect((await nodes.source.control.workload()).phase).toBe('Ended');
  await expectNoViolations(nodes);
});

test('a set moves without pre-copy, and back again', async () => {
  await using nodes = await TwoNodes.start({ devices: 2 });
  const devices = [0, 1];
  const strategy = { mode: 'StopCopy' } as const;
  await nodes.apply('there', { devices, strategy });
  expect((await nodes.ended('there')).phase).toBe('Succeeded');
  expect(await nodes.digests(nodes.target, devices)).toEqual(await nodes.digests(nodes.source, devices));
  await expectSetRuns(nodes.target, { devices });

  await nodes.apply('back', { devices, strategy, from: 'gpu-b', to: 'gpu-a' });
  expect((await nodes.ended('back')).phase).toBe('Succeeded');
  expect(await nodes.digests(nodes.source, devices)).toEqual(await nodes.digests(nodes.target, devices));
  await expectSetRuns(nodes.source, { devices });
  await expectIdle(nodes.target, { devices });
  await expectNoViolations(nodes);
});

test('a lone device without peer-to-peer quiesce moves', async () => {
  const alone = ['--no-ndma', '0'];
  await using nodes = await TwoNodes.start({ devices: 1, source: alone, target: alone });
  await nodes.apply('nic', { devices: [0] });
  expect((await nodes.ended('nic')).phase).toBe('Succeeded');
  expect(await nodes.digests(nodes.target, [0])).toEqual(await nodes.digests(nodes.source, [0]));
  await expectSetRuns(nodes.target, { devices: [0] });
  await expectIdle(nodes.source, { devices: [0] });
  await expectNoViolations(nodes);
});
