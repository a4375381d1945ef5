import { describe, expect, test } from '@jest/globals';
import { Backoff } from '@transship/operator/internal/backoff';

const drawing = (chance: number) => new Backoff({ firstMs: 100, capMs: 1_000, random: () => chance });

describe('a back-off', () => {
  test('doubles up to its cap', () => {
    const backoff = drawing(1);
    expect([1, 2, 3, 4, 5, 6].map(() => backoff.next())).toEqual([100, 200, 400, 800, 1_000, 1_000]);
  });

  test('draws from the upper half of each step', () => {
    const backoff = drawing(0);
    expect([1, 2, 3].map(() => backoff.next())).toEqual([50, 100, 200]);
  });

  test('starts over after a success', () => {
    const backoff = drawing(1);
    backoff.next();
    backoff.next();
    expect(backoff.attempts).toBe(2);
    backoff.reset();
    expect(backoff.next()).toBe(100);
  });

  test('stays finite for ever', () => {
    const backoff = drawing(1);
    for (let attempt = 0; attempt < 2_000; attempt += 1) backoff.next();
    expect(backoff.next()).toBe(1_000);
  });
});
