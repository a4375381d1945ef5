import type { IncomingMessage } from 'node:http';
import { PassThrough } from 'node:stream';

import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { readLines } from '@transship/operator/internal/kube/watch-stream';

const INACTIVITY_MS = 200;

beforeEach(() => {
  // Streams need the rest.
  jest.useFakeTimers({ doNotFake: ['nextTick', 'queueMicrotask', 'setImmediate'] });
});

afterEach(() => {
  jest.useRealTimers();
});

describe('the lines of a watch', () => {
  test('are read for as long as something comes now and then, and no longer', async () => {
    const answer = new PassThrough();
    const limits = { inactivityMs: INACTIVITY_MS, maxLineBytes: 100 };
    const lines = readLines(answer as unknown as IncomingMessage, limits);
    for (let count = 0; count < 5; count += 1) {
      const next = lines.next();
      jest.advanceTimersByTime(INACTIVITY_MS - 1);
      answer.write(`${count}\n`);
      expect(await next).toEqual({ done: false, value: String(count) });
    }
    const last = lines.next();
    jest.advanceTimersByTime(INACTIVITY_MS);
    await expect(last).rejects.toMatchObject({ name: 'WatchBrokenError' });
    expect(answer.destroyed).toBe(true);
  });
});
