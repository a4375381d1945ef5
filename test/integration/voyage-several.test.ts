import { expect, test } from '@jest/globals';
import { expectIdle, expectNoViolations, expectSetRuns } from '../support/set-checks.ts';
import { TwoNodes } from '../support/two-nodes.ts';

test('two sets move at the same time, each device to the one that its manifest pairs it with', async () => {
  await using nodes = await TwoNodes.start({ group: 2 });
  await Promise.all([
    nodes.apply('first', { devices: [0, 1], onto: [3, 2] }),
    nodes.apply('second', { devices: [2, 3], onto: [0, 1] }),
  ]);
  expect((await nodes.ended('first')).phase).toBe('Succeeded');
  expect((await nodes.ended('second')).phase).toBe('Succeeded');
  const left = await nodes.digests(nodes.source, [0, 1, 2, 3]);
  expect(await nodes.digests(nodes.target, [3, 2, 0, 1])).toEqual(left);
  expect(new Set(left).size).toBe(4);
  await expectSetRuns(nodes.target, { devices: [2, 3], group: 1 });
  await expectSetRuns(nodes.target, { devices: [0, 1], group: 0 });
  await expectIdle(nodes.source, { devices: [0, 1, 2, 3] });
  await expectNoViolations(nodes);
});

test('two sets that move at the same time and name no target devices do not get the same ones', async () => {
  await using nodes = await TwoNodes.start({ group: 2 });
  await Promise.all([nodes.apply('first', { devices: [0, 1] }), nodes.apply('second', { devices: [2, 3] })]);
  expect((await nodes.ended('first')).phase).toBe('Succeeded');
  expect((await nodes.ended('second')).phase).toBe('Succeeded');
  await expectSetRuns(nodes.target, { devices: [0, 1], group: 0 });
  await expectSetRuns(nodes.target, { devices: [2, 3], group: 1 });
  await expectNoViolations(nodes);
});
