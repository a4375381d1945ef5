import { describe, expect, test } from '@jest/globals';
import { preCopyDone } from '@transship/operator/core';
import type { Sample } from '@transship/operator/core';

const MiB = 2 ** 20;
const LIMITS = { timeoutMs: 60_000, downtimeMs: 500 };

/** Looks a quarter of a second apart: megabytes moved, megabytes left, whether every device has begun. */
const looks = (...all: readonly (readonly [moved: number, left: number, begun?: boolean])[]): Sample[] =>
  all.map(([moved, left, begun = true], index) => ({
    at: 250 * index,
    bytes: moved * MiB,
    pending: left * MiB,
    initialPending: false,
    begun,
  }));

const done = (samples: readonly Sample[], now = samples.at(-1)?.at ?? 0): boolean =>
  preCopyDone(samples, now, LIMITS);

describe('pre-copy', () => {
  test('goes on while more is left than fits into the downtime at the rate seen', () => {
    // 100 MiB a look are 400 MiB/s, so 200 MiB fit into half a second.
    expect(done(looks([0, 500], [100, 400], [200, 300]))).toBe(false);
    expect(done(looks([0, 500], [100, 400], [200, 300], [300, 200]))).toBe(true);
  });

  test('goes on while the source is only just beginning, whatever the target has of other streams', () => {
    expect(done(looks([0, 0, false], [1, 0, false]))).toBe(false);
  });

  test('takes a rise of what is left while devices begin for no standstill', () => {
    const rising = [...looks([0, 10, false], [1, 20, false]), ...looks([2, 900], [3, 890])];
    const samples = rising.map((sample, index) => ({ ...sample, at: 1_500 * index }));
    expect(done(samples)).toBe(false);
  });

  test('ends when nothing is left', () => {
    expect(done(looks([0, 500], [500, 0]))).toBe(true);
  });

  test('ends for devices that give nothing in pre-copy once they have been silent for a while', () => {
    expect(done(looks([0, 0, false], [0, 0, false]))).toBe(false);
    expect(done(looks([0, 0, false], [0, 0, false], [0, 0, false]))).toBe(true);
  });

  test('ends when what is left does not shrink any more', () => {
    const still = Array.from({ length: 13 }, (_, index) => [10 * index, 800] as const);
    expect(done(looks(...still.slice(0, 12)))).toBe(false);
    expect(done(looks(...still))).toBe(true);
  });

  test('V2-17: does not end before the target has all initial data, however little is left', () => {
    const pending = looks([0, 500], [100, 400], [500, 0]).map((look) => ({ ...look, initialPending: true }));
    expect(done(pending)).toBe(false);
    const silent = looks([0, 0, false], [0, 0, false], [0, 0, false]);
    expect(done(silent.map((look) => ({ ...look, initialPending: true })))).toBe(false);
    const still = Array.from({ length: 20 }, (_, index) => [10 * index, 800] as const);
    expect(done(looks(...still).map((look) => ({ ...look, initialPending: true })))).toBe(false);
  });

  test('V2-17: ends when the initial data has arrived, and V2-20: not when there is new one', () => {
    const first = looks([0, 500], [500, 0]);
    const arrived = first.map((look, index) => ({ ...look, initialPending: index === 0 }));
    expect(done(arrived)).toBe(true);
    const anew = first.map((look, index) => ({ ...look, initialPending: index === 1 }));
    expect(done(anew)).toBe(false);
  });

  test('V2-17: ends with initial data outstanding once its time is up', () => {
    const pending = looks([0, 500], [1, 900]).map((look) => ({ ...look, initialPending: true }));
    expect(preCopyDone(pending, 59_999, LIMITS)).toBe(false);
    expect(preCopyDone(pending, 60_000, LIMITS)).toBe(true);
  });

  test('ends when its time is up', () => {
    const samples = looks([0, 500], [1, 900]);
    expect(done(samples, 59_999)).toBe(true);
    expect(preCopyDone(looks([0, 500, false]), 59_999, LIMITS)).toBe(false);
    expect(preCopyDone(looks([0, 500, false]), 60_000, LIMITS)).toBe(true);
  });
});
