import { expect, test } from '@jest/globals';
import { expectIdle, expectMoved, expectNoViolations, expectSetRuns } from '../support/set-checks.ts';
import { flowing, TwoNodes } from '../support/two-nodes.ts';

const devices = [0, 1];
/** Of 8 MiB in all: so slow that the agent dies in the middle. */
const slow = { bandwidthLimit: '1M' } as const;

test('the agent of a source that is killed before the stop rolls back when it is there again', async () => {
  await using nodes = await TwoNodes.start({ devices: 2 });
  await nodes.apply('set', { devices, strategy: slow });
  await nodes.waitFor('set', 'data flows', flowing('PreCopy'));
  await nodes.source.restartAgent();
  const { phase } = await nodes.ended('set');
  expect(phase).toBe('Failed');
  const { error } = await nodes.waitFor('set', 'the record', (status) => status.phase === 'Failed');
  expect(error?.code).toBe('AgentRestarted');
  await expectSetRuns(nodes.source, { devices });
  await expectIdle(nodes.target, { devices });
  await expectNoViolations(nodes);
});

test('a stopped source whose agent is killed gives everything once more', async () => {
  await using nodes = await TwoNodes.start({ devices: 2 });
  await nodes.apply('set', { devices, strategy: { ...slow, mode: 'StopCopy' } });
  await nodes.waitFor('set', 'data flows', flowing('StopCopy'));
  await nodes.source.restartAgent();
  expect(await expectMoved(nodes, 'set', devices)).toMatchObject({ generation: 2 });
});
