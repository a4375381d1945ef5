import { expect, test } from '@jest/globals';
import { isClusterFault } from '../../faults/cluster/cluster-faults.ts';
import { FAULTS } from '../../faults/faults.ts';
import { readOptions } from '../../faults/options.ts';
import { randomFrom, shuffled } from '../../faults/random.ts';
import { allCells, sampleOf } from '../../faults/sample.ts';
import { known, scheduleOf } from '../../faults/schedule.ts';
import { stepOf, STEPS, type Position } from '../../faults/steps.ts';

test('the same seed gives the same numbers, another gives others', () => {
  const draw = (seed: number): number[] => {
    const random = randomFrom(seed);
    return Array.from({ length: 8 }, () => random.index(1000));
  };
  expect(draw(7)).toEqual(draw(7));
  expect(draw(7)).not.toEqual(draw(8));
  expect(draw(7).every((number) => number >= 0 && number < 1000)).toBe(true);
});

test('shuffling loses and doubles nothing', () => {
  expect(shuffled([1, 2, 3, 4, 5], randomFrom(3)).toSorted((a, b) => a - b)).toEqual([1, 2, 3, 4, 5]);
});

test('a seed is a schedule of one to four faults that apply', () => {
  const all = Array.from({ length: 500 }, (_, seed) => scheduleOf(seed));
  expect(all.map(({ faults }) => faults.length).every((count) => count >= 1 && count <= 4)).toBe(true);
  expect(new Set(all.map(({ faults }) => faults.length)).size).toBe(4);
  expect(all.flatMap(({ faults }) => faults).every(known)).toBe(true);
  expect(scheduleOf(11)).toEqual(scheduleOf(11));
  expect(new Set(all.flatMap(({ faults }) => faults.map(({ fault }) => fault)))).toEqual(
    new Set(FAULTS.filter((fault) => !isClusterFault(fault))),
  );
});

test('no schedule loses its one operator in two ways', () => {
  const all = Array.from({ length: 2000 }, (_, seed) => scheduleOf(seed).faults.map(({ fault }) => fault));
  const both = all.filter(
    (faults) => faults.includes('operator-killed') && faults.includes('leader-changed'),
  );
  expect(both).toEqual([]);
});

test('a schedule of the cluster strikes one program of the control plane, and no other schedule does', () => {
  const struck = (ground: 'folder' | 'cluster'): number[] =>
    Array.from({ length: 200 }, (_, seed) => scheduleOf(seed, ground)).map(
      ({ faults }) => faults.filter(({ fault }) => isClusterFault(fault)).length,
    );
  expect(struck('folder').every((count) => count === 0)).toBe(true);
  expect(struck('cluster').every((count) => count === 1)).toBe(true);
});

test('a sample has every fault, whatever the seed', () => {
  for (let seed = 0; seed < 20; seed += 1)
    expect(new Set(sampleOf(seed).map(({ fault }) => fault))).toEqual(new Set(FAULTS));
  expect(sampleOf(5)).toEqual(sampleOf(5));
});

test('every fault strikes somewhere, and every step is struck by faults', () => {
  const cells = allCells();
  expect(new Set(cells.map(({ fault }) => fault))).toEqual(new Set(FAULTS));
  for (const step of STEPS) expect(cells.filter((cell) => cell.step === step).length).toBeGreaterThan(8);
});

test('each place of a voyage is one step', () => {
  const at = (change: Partial<Position>): Position => ({
    ...{ decision: 'Undecided', stopping: false, ended: false, source: null, target: null },
    ...change,
  });
  const places: readonly Position[] = [
    at({ source: 'Fenced' }),
    at({ source: 'Fenced', target: 'Fenced' }),
    at({ source: 'Prepared', target: 'Preparing' }),
    at({ source: 'PreCopy', target: 'Loading' }),
    at({ source: 'Quiescing', target: 'Loading' }),
    at({ source: 'Stopping', target: 'Loading', stopping: true }),
    at({ source: 'Stopped', target: 'Verifying', stopping: true }),
    at({ source: 'Stopped', target: 'Verified', stopping: true }),
    at({ source: 'Stopped', target: 'Activating', decision: 'Commit' }),
    at({ source: 'Releasing', target: 'Active', decision: 'Commit' }),
  ];
  expect(places.map(stepOf)).toEqual(STEPS);
  expect(stepOf(at({ source: 'RollingBack' }))).toBeNull();
  expect(stepOf(at({ decision: 'Abort', source: 'Stopped' }))).toBeNull();
  expect(stepOf(at({ decision: 'Commit', target: 'Active', ended: true }))).toBeNull();
});

test('the command line is read, and what makes no sense is refused', () => {
  const replay = { mode: 'schedules', jobs: 1, seed: 12, count: 1 };
  expect(readOptions(['--seed', '12'])).toEqual({ ...replay, ground: 'folder' });
  expect(readOptions(['--cluster-seed', '12'])).toEqual({ ...replay, ground: 'cluster' });
  expect(readOptions(['--schedules', '9', '--seed', '2', '--jobs', '3'])).toEqual({
    ...{ mode: 'schedules', jobs: 3, seed: 2, count: 9, ground: 'folder' },
  });
  expect(readOptions(['--sample', '3'], 1)).toEqual({ mode: 'sample', jobs: 2, seed: 3 });
  expect(readOptions(['--full', '--seed', '1'], 3)).toEqual({ mode: 'full', jobs: 3, seed: 1, count: 200 });
  expect(readOptions(['--cell', '6:cut'], 64)).toEqual({
    ...{ mode: 'cells', jobs: 4, cells: [{ step: 6, fault: 'cut' }] },
  });
  expect(() => readOptions(['--jobs', '0'])).toThrow(RangeError);
  expect(() => readOptions(['--seed', 'x'])).toThrow(RangeError);
  expect(() => readOptions(['--cell', '11:cut'])).toThrow(RangeError);
});
