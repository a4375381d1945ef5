import { expect, test } from '@jest/globals';
import { expectIdle, expectNoViolations, expectSetRuns } from '../support/set-checks.ts';
import { TwoNodes, type Status } from '../support/two-nodes.ts';

const devices = [0, 1];
/** Of 8 MiB in all: so slow that whatever is killed dies in the middle. */
const slow = { bandwidthLimit: '4M' } as const;
const options = { devices: devices.length };

const flowing =
  (phase: Status['phase']) =>
  (status: Status): boolean =>
    status.phase === phase && (status.transfer?.bytes ?? 0) > 0;

async function expectMoved(nodes: TwoNodes, name: string): Promise<Status> {
  expect((await nodes.ended(name)).phase).toBe('Succeeded');
  expect(await nodes.digests(nodes.target, devices)).toEqual(await nodes.digests(nodes.source, devices));
  await expectSetRuns(nodes.target, { devices });
  await expectIdle(nodes.source, { devices });
  await expectNoViolations(nodes);
  return nodes.waitFor(name, 'the record', ({ phase }) => phase === 'Succeeded');
}

test('an operator that is killed during pre-copy goes on where it was', async () => {
  await using nodes = await TwoNodes.start(options);
  await nodes.apply('set', { devices, strategy: slow });
  await nodes.waitFor('set', 'data flows', flowing('PreCopy'));
  await nodes.restartOperator();
  expect(await expectMoved(nodes, 'set')).toMatchObject({
    generation: 1,
    fence: 2,
    downtimeEstimated: false,
  });
});

test('an operator that is killed while the set is stopped goes on where it was', async () => {
  await using nodes = await TwoNodes.start(options);
  await nodes.apply('set', { devices, strategy: { ...slow, mode: 'StopCopy' } });
  await nodes.waitFor('set', 'data flows', flowing('StopCopy'));
  await nodes.restartOperator();
  expect(await expectMoved(nodes, 'set')).toMatchObject({ generation: 1, fence: 2, downtimeEstimated: true });
});

test('the agent of a source that is killed before the stop rolls back when it is there again', async () => {
  await using nodes = await TwoNodes.start(options);
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

test('a target whose agent is killed while it loads is given everything once more', async () => {
  await using nodes = await TwoNodes.start(options);
  await nodes.apply('set', { devices, strategy: slow });
  await nodes.waitFor('set', 'data flows', flowing('PreCopy'));
  await nodes.target.restartAgent();
  expect(await expectMoved(nodes, 'set')).toMatchObject({ generation: 2 });
});

test('a stopped source whose agent is killed gives everything once more', async () => {
  await using nodes = await TwoNodes.start(options);
  await nodes.apply('set', { devices, strategy: { ...slow, mode: 'StopCopy' } });
  await nodes.waitFor('set', 'data flows', flowing('StopCopy'));
  await nodes.source.restartAgent();
  expect(await expectMoved(nodes, 'set')).toMatchObject({ generation: 2 });
});
