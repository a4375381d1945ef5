import { describe, expect, test } from '@jest/globals';
import { differences, growthOf, leak, LEAST_POINTS, total, type Point } from '../../soak/judge.ts';

const MiB = 2 ** 20;
const MINUTE = 60_000;

/** Ten minutes, a reading every ten seconds; noise of half a percent that no line follows. */
const series = (bytesAt: (minute: number) => number, noise = 0.005): Point[] =>
  Array.from({ length: 61 }, (_, index) => {
    const jitter = 1 + noise * Math.sin(index * 2.4);
    return { at: index * 10_000, bytes: bytesAt(index / 6) * jitter };
  });

const growth = (bytesAt: (minute: number) => number): number => growthOf(series(bytesAt)).percent;

describe('the growth of memory', () => {
  test('is nothing where only noise is', () => {
    expect(Math.abs(growth(() => 80 * MiB))).toBeLessThan(0.2);
    expect(leak(growthOf(series(() => 80 * MiB)))).toBeNull();
  });

  test('of a leak is seen, and how fast it is', () => {
    const leaking = growthOf(series((minute) => 80 * MiB + minute * 0.2 * MiB, 0));
    expect(leaking.percent).toBeCloseTo((100 * (0.2 * 20)) / 3 / (80 + 0.2 * (10 / 3)), 1);
    expect(leaking.bytesPerHour / MiB).toBeCloseTo(12);
    expect(leak(leaking)).toMatch(/^rises by 1\.\d\d %/);
  });

  test('of a leak is seen in noise, and when it begins late', () => {
    expect(growth((minute) => 80 * MiB + minute * 0.3 * MiB)).toBeGreaterThan(1);
    expect(growth((minute) => 80 * MiB + Math.max(0, minute - 6) * 0.5 * MiB)).toBeGreaterThan(1);
  });

  test('of a leak of a hundred KiB a voyage is seen', () => {
    expect(growth((minute) => 60 * MiB + Math.floor(minute * 4) * 0.1 * MiB)).toBeGreaterThan(1);
  });

  test('in the first third counts for nothing', () => {
    expect(Math.abs(growth((minute) => (minute < 3 ? 40 + 10 * minute : 70) * MiB))).toBeLessThan(0.3);
  });

  test('of what is given back is no leak', () => {
    expect(growth((minute) => (70 - minute) * MiB)).toBeLessThan(0);
    expect(Math.abs(growth((minute) => (70 + (minute % 1)) * MiB))).toBeLessThan(1);
  });

  test('is no leak where the figure rises so far by itself, and is one beyond', () => {
    const rising = growthOf(series((minute) => 80 * MiB + minute * 0.6 * MiB, 0));
    expect(rising.risen / MiB).toBeCloseTo(4);
    expect(leak(rising, 5 * MiB)).toBeNull();
    expect(leak(rising, 3 * MiB)).toMatch(/^rises by/);
  });

  test('is not judged from too few readings', () => {
    const few = Array.from({ length: LEAST_POINTS }, (_, index) => ({ at: index * MINUTE, bytes: MiB }));
    expect(() => growthOf(few)).toThrow(RangeError);
    expect(() => growthOf([])).toThrow(RangeError);
  });
});

describe('descriptors', () => {
  const before = new Map([
    ['socket', 4],
    ['/state/agent.lock', 1],
  ]);

  test('that are the same are no difference', () => {
    expect(differences(before, new Map([...before].toReversed()))).toEqual([]);
    expect(total(before)).toBe(5);
  });

  test('that leaked, went away or changed their kind are', () => {
    expect(differences(before, new Map([...before, ['socket', 5]]))).toEqual([
      'socket: 4 at the start, 5 at the end',
    ]);
    expect(
      differences(
        before,
        new Map([
          ['socket', 4],
          ['pipe', 1],
        ]),
      ),
    ).toEqual(['/state/agent.lock: 1 at the start, 0 at the end', 'pipe: 0 at the start, 1 at the end']);
  });
});
