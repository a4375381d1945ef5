import { describe, expect } from '@jest/globals';
import { projectRoot } from '../support/processes.ts';
import { expectIdle, expectMoved, expectNoViolations, expectSetRuns } from '../support/set-checks.ts';
import { flowing, TwoNodes } from '../support/two-nodes.ts';
import { expectNothingRefused } from './ask-agents.ts';
import { it, older, orSkipped } from './suite.ts';

const devices = [0, 1];
/** Of 8 MiB in all: so slow that the program is replaced in the middle. */
const bandwidthLimit = '1M';

describe(`a program that is replaced by the other version in the middle of a voyage${orSkipped}`, () => {
  const directions = [
    { from: 'older', to: 'newer', before: older, after: projectRoot },
    { from: 'newer', to: 'older', before: projectRoot, after: older },
  ] as const;

  const cases = directions.flatMap((direction) =>
    (['PreCopy', 'StopCopy'] as const).map((mode) => ({ ...direction, mode })),
  );

  it.each(cases)('operator: from $from to $to, in $mode: the set moves', async ({ before, after, mode }) => {
    await using nodes = await TwoNodes.start({ devices: 2, builds: { operator: before } });
    await nodes.apply('set', { devices, strategy: { mode, bandwidthLimit } });
    await nodes.waitFor('set', 'data flows', flowing(mode));
    await nodes.restartOperator(after);
    expect(await expectMoved(nodes, 'set', devices)).toMatchObject({ fence: 2, generation: 1 });
    await expectNothingRefused(nodes);
  });

  it.each(cases)('target: from $from to $to, in $mode: the set moves', async ({ before, after, mode }) => {
    await using nodes = await TwoNodes.start({ devices: 2, builds: { target: before } });
    await nodes.apply('set', { devices, strategy: { mode, bandwidthLimit } });
    await nodes.waitFor('set', 'data flows', flowing(mode));
    await nodes.target.restartAgent(after);
    expect(await expectMoved(nodes, 'set', devices)).toMatchObject({ generation: 2 });
    await expectNothingRefused(nodes);
  });

  it.each(directions)('source: from $from to $to, in StopCopy: the set moves', async ({ before, after }) => {
    await using nodes = await TwoNodes.start({ devices: 2, builds: { source: before } });
    await nodes.apply('set', { devices, strategy: { mode: 'StopCopy', bandwidthLimit } });
    await nodes.waitFor('set', 'data flows', flowing('StopCopy'));
    await nodes.source.restartAgent(after);
    expect(await expectMoved(nodes, 'set', devices)).toMatchObject({ generation: 2 });
    await expectNothingRefused(nodes);
  });

  it.each(directions)('source: from $from to $to, in PreCopy: it rolls back', async ({ before, after }) => {
    await using nodes = await TwoNodes.start({ devices: 2, builds: { source: before } });
    await nodes.apply('set', { devices, strategy: { bandwidthLimit } });
    await nodes.waitFor('set', 'data flows', flowing('PreCopy'));
    await nodes.source.restartAgent(after);
    expect((await nodes.ended('set')).phase).toBe('Failed');
    const { error } = await nodes.waitFor('set', 'the record', ({ phase }) => phase === 'Failed');
    expect(error?.code).toBe('AgentRestarted');
    await expectSetRuns(nodes.source, { devices });
    await expectIdle(nodes.target, { devices });
    await expectNoViolations(nodes);
    await expectNothingRefused(nodes);
  });
});
