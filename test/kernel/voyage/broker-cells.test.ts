/** Which cells of a killed broker a run takes, and how their results are shown. */
import { expect, test } from '@jest/globals';
import { STEPS } from '../../faults/steps.ts';
import type { Step } from '../../faults/steps.ts';
import { allowedEnds, ALL_CELLS, type BrokerCell, sampled } from './broker-cells.ts';
import { brokerTable } from './broker-table.ts';

test('a sample has every step once, with a living agent, the same for the same seed', () => {
  for (let seed = 0; seed < 50; seed++) {
    const cells = sampled(seed);
    expect(cells.map(({ step }) => step)).toEqual([...STEPS]);
    expect(cells.every(({ keeping }) => keeping === 'kept')).toBe(true);
    expect(cells).toEqual(sampled(seed));
  }
});

test('every cell allows an end, and one whose agent keeps the devices nothing but the move', () => {
  const ends = (cell: BrokerCell): string[] => allowedEnds(cell).map(({ ending }) => ending);
  for (const cell of ALL_CELLS) expect(ends(cell)).not.toEqual([]);
  for (const cell of ALL_CELLS.filter(({ keeping }) => keeping === 'kept'))
    expect(ends(cell)).toEqual(['moved']);
});

test('a step that was held by silence for too long may have ended the attempt, any other not', () => {
  const kept = (step: Step, ms: number): string[] =>
    allowedEnds({ step, side: 'source', keeping: 'kept' }, ms).map(({ ending }) => ending);
  expect(kept(8, 29_999)).toEqual(['moved']);
  expect(kept(8, 30_000)).toEqual(['moved', 'stayed']);
  expect(kept(9, 300_000)).toEqual(['moved']);
});

test('the table has the result of each cell, and nothing for those that were not run', () => {
  const lines = brokerTable([
    { title: 'in step 1 (accept) SIGKILL of the broker of the source', status: 'passed' },
    { title: 'in step 10 (release) SIGKILL of the broker of the target and of its agent', status: 'failed' },
  ]).split('\n');
  expect(lines).toContain('| 1 accept | ok |  | - | - |');
  expect(lines).toContain('| 10 release |  |  |  | FAIL |');
});
