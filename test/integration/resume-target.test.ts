import { expect, test } from '@jest/globals';
import { eventually } from '../support/managed-process.ts';
import { expectMoved } from '../support/set-checks.ts';
import { flowing, TwoNodes } from '../support/two-nodes.ts';

const devices = [0, 1];
/** Of 8 MiB in all: so slow that the agent dies in the middle. */
const slow = { bandwidthLimit: '1M' } as const;

test('a target whose agent is killed while it loads is given everything once more', async () => {
  await using nodes = await TwoNodes.start({ devices: 2 });
  await nodes.apply('set', { devices, strategy: slow });
  await nodes.waitFor('set', 'data flows', flowing('PreCopy'));
  await nodes.target.restartAgent();
  expect(await expectMoved(nodes, 'set', devices)).toMatchObject({ generation: 2 });
});

test('a target whose agent is killed while it is started goes on to start it', async () => {
  await using nodes = await TwoNodes.start({ devices: 2 });
  const letSourceGo = await nodes.source.holdQuiet(0);
  await nodes.apply('set', { devices });
  await eventually('the target loads', 60_000, async () =>
    (await nodes.target.states()).every((state) => state === 'Resuming') ? true : null,
  );
  const letTargetGo = await nodes.target.holdQuiet(1);
  await letSourceGo();
  await nodes.waitFor('set', 'Commit', ({ decision }) => decision.value === 'Commit');
  await eventually('the first device is quiet', 60_000, async () =>
    (await nodes.target.states())[0] === 'RunningP2P' ? true : null,
  );
  await nodes.target.agent.process.kill();
  await letTargetGo();
  await nodes.target.restartAgent();
  expect(await expectMoved(nodes, 'set', devices)).toMatchObject({ generation: 1 });
});
