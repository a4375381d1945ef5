import { expect, test } from '@jest/globals';
import { expectIdle, expectMoved, expectNoViolations, expectSetRuns } from '../support/set-checks.ts';
import { TwoNodes } from '../support/two-nodes.ts';

test('four devices that are busy with each other move with pre-copy, and nothing is lost', async () => {
  await using nodes = await TwoNodes.start({
    memory: '8M',
    source: ['--dirty-rate', '4M', '--link-rate', '500'],
  });
  const devices = [0, 1, 2, 3];
  await nodes.apply('trainer');
  const status = await expectMoved(nodes, 'trainer', devices);
  expect(status.decision).toMatchObject({ value: 'Commit' });
  expect(status.conditions).toMatchObject([{ type: 'Ready', status: 'True', reason: 'Succeeded' }]);
  expect(status).toMatchObject({ progress: '100%', downtimeEstimated: false });
  expect(status.error).toBeUndefined();
  expect((await nodes.source.control.workload()).phase).toBe('Ended');
});

test('a set moves without pre-copy, and back again', async () => {
  await using nodes = await TwoNodes.start({ devices: 2 });
  const devices = [0, 1];
  const strategy = { mode: 'StopCopy' } as const;
  await nodes.apply('there', { devices, strategy });
  await expectMoved(nodes, 'there', devices);

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
  await expectMoved(nodes, 'nic', [0]);
});
