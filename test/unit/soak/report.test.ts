/** Each judgement of a long run fails on what it is to find. */
import { describe, expect, test } from '@jest/globals';
import type { Descriptors, Point } from '../../soak/judge.ts';
import { report } from '../../soak/report.ts';
import { suffices, type SoakResult, type Watched } from '../../soak/watched.ts';

const MiB = 2 ** 20;

const series = (bytesAt: (minute: number) => number): Point[] =>
  Array.from({ length: 61 }, (_, index) => ({ at: index * 10_000, bytes: bytesAt(index / 6) }));

const OPEN: Descriptors = new Map([
  ['socket', 4],
  ['/dev/vfio/7', 1],
]);

const broker = (changes: Partial<Watched> = {}): Watched => ({
  name: 'broker gpu-a',
  isCounted: true,
  before: OPEN,
  after: OPEN,
  measures: ['rss'],
  series: { rss: series(() => 4 * MiB), heap: [] },
  slack: 0,
  ...changes,
});

const run = (
  patient: Watched,
  changes: Partial<SoakResult> = {},
  left: readonly string[] = [],
): SoakResult => ({
  patients: [patient],
  voyages: 12,
  struck: new Map([['cut', 3]]),
  silent: 0,
  wrong: [],
  leftOpen: new Map([[patient, left]]),
  ...changes,
});

const wrongOf = (result: SoakResult): string[] =>
  report(result).lines.filter((line) => line.startsWith('WRONG'));

describe('the report of a long run', () => {
  test('finds nothing wrong with one in which nothing was, and prints its figures', () => {
    const { lines, passed, failed } = report(run(broker()));
    expect({ passed, failed }).toEqual({ passed: 3, failed: 0 });
    expect(lines[0]).toContain(
      '12 voyages; faults that struck: cut 3; given up in silence: 0; wrong: nothing',
    );
    expect(lines[1]).toContain('broker gpu-a: descriptors: 5 at the start, 5 at the end');
    expect(lines[2]).toMatch(/4\.00 MiB at first, 4\.00 MiB at last, slope of the last two thirds 0\.00 %/);
  });

  test('of a lost transaction says so', () => {
    const lost = { wrong: ['soak-3: gpu-b/0: lost: 1'] };
    expect(wrongOf(run(broker(), lost))).toEqual([expect.stringContaining('soak-3: gpu-b/0: lost: 1')]);
  });

  test('without any fault that struck is no proof', () => {
    expect(wrongOf(run(broker(), { struck: new Map() }))).toHaveLength(1);
  });

  test('of a broker that keeps a descriptor says which', () => {
    const leaking = broker({ after: new Map([...OPEN, ['anon_inode:[eventfd]', 1]]) });
    const left = ['anon_inode:[eventfd]: 0 at the start, 1 at the end'];
    expect(wrongOf(run(leaking, {}, left))).toEqual([
      expect.stringContaining('5 at the start, 6 at the end; anon_inode:[eventfd]: 0 at the start'),
    ]);
  });

  test('does not pass over descriptors that nobody has counted', () => {
    expect(wrongOf(run(broker(), { leftOpen: new Map() }))).toEqual([
      expect.stringContaining('descriptors were not counted'),
    ]);
  });

  test('of a broker that grows by 20 KiB a minute says so, and how fast', () => {
    const rss = series((minute) => 4 * MiB + minute * 20 * 1024);
    expect(wrongOf(run(broker({ series: { rss, heap: [] } })))).toEqual([
      expect.stringContaining('(1.17 MiB/h'),
    ]);
  });

  test('does not pass over memory that nobody has read', () => {
    expect(wrongOf(run(broker({ series: { rss: [], heap: [] } })))).toEqual([
      expect.stringContaining('0 readings in the last two thirds'),
    ]);
  });
});

test('a run has enough readings when each measure that is judged has', () => {
  const readings = series(() => MiB);
  expect(suffices(['rss'], { rss: readings, heap: [] })).toBe(true);
  expect(suffices(['rss', 'heap'], { rss: readings, heap: readings.slice(0, 19) })).toBe(false);
  expect(suffices([], { rss: [], heap: [] })).toBe(true);
});
