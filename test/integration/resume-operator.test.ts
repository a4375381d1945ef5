import { expect, test } from '@jest/globals';
import { expectMoved } from '../support/set-checks.ts';
import { flowing, TwoNodes } from '../support/two-nodes.ts';

const devices = [0, 1];
/** Of 8 MiB in all: so slow that the operator dies in the middle. */
const slow = { bandwidthLimit: '1M' } as const;

test('an operator that is killed during pre-copy goes on where it was', async () => {
  await using nodes = await TwoNodes.start({ devices: 2 });
  await nodes.apply('set', { devices, strategy: slow });
  await nodes.waitFor('set', 'data flows', flowing('PreCopy'));
  await nodes.restartOperator();
  expect(await expectMoved(nodes, 'set', devices)).toMatchObject({
    generation: 1,
    fence: 2,
    downtimeEstimated: false,
  });
});

test('an operator that is killed while the set is stopped goes on where it was', async () => {
  await using nodes = await TwoNodes.start({ devices: 2 });
  await nodes.apply('set', { devices, strategy: { ...slow, mode: 'StopCopy' } });
  await nodes.waitFor('set', 'data flows', flowing('StopCopy'));
  await nodes.restartOperator();
  expect(await expectMoved(nodes, 'set', devices)).toMatchObject({
    generation: 1,
    fence: 2,
    downtimeEstimated: true,
  });
});
