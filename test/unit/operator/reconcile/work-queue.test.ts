import { beforeEach, describe, expect, test } from '@jest/globals';
import type { MigrationKey, ReconcileResult } from '@transship/operator/internal/reconcile/ports';
import { WorkQueue } from '@transship/operator/internal/reconcile/work-queue';

import { ManualClock, settle } from '../support/manual-clock.ts';

const key = (name: string): MigrationKey => ({ namespace: 'ml', name });
const done: ReconcileResult = { kind: 'done' };

/** One run that the test ends by hand. */
interface Run {
  readonly name: string;
  readonly at: number;
  readonly signal: AbortSignal;
  finish(result: ReconcileResult): void;
  fail(error: Error): void;
}

let clock: ManualClock;
let runs: Run[];
let trace: string[];

beforeEach(() => {
  clock = new ManualClock();
  runs = [];
  trace = [];
});

function makeQueue(options: { concurrency?: number } = {}): WorkQueue {
  return new WorkQueue({
    clock,
    concurrency: options.concurrency ?? 8,
    backoff: { firstMs: 1_000, capMs: 8_000, random: () => 1 },
    minFailureGapMs: 200,
    run: ({ name }, signal) =>
      new Promise((resolve, reject) => {
        runs.push({ name, at: clock.now(), signal, finish: resolve, fail: reject });
      }),
    observer: {
      added: (depth) => trace.push(`added ${depth}`),
      started: ({ name }, waitedMs) => trace.push(`started ${name} ${waitedMs}`),
      finished: ({ name }, tookMs, { kind }) => trace.push(`finished ${name} ${tookMs} ${kind}`),
      failed: ({ name }, tookMs, error, retryInMs) =>
        trace.push(`failed ${name} ${tookMs} ${(error as Error).message} ${retryInMs}`),
    },
  });
}

const names = () => runs.map(({ name }) => name);
const times = () => runs.map(({ at }) => at);
const last = () => runs.at(-1)!;

describe('a work queue', () => {
  test('runs a key once however often it was added before it could run', async () => {
    const queue = makeQueue({ concurrency: 1 });
    queue.add(key('busy'));
    for (let count = 0; count < 5; count += 1) queue.add(key('a'));
    expect(queue.depth).toBe(1);
    last().finish(done);
    await settle();
    last().finish(done);
    await settle();
    expect(names()).toEqual(['busy', 'a']);
  });

  test('never runs a key twice at the same time, and runs it again at once when it was added meanwhile', async () => {
    const queue = makeQueue();
    queue.add(key('a'));
    queue.add(key('a'));
    queue.add(key('a'));
    await clock.advance(60_000);
    expect(names()).toEqual(['a']);

    last().finish(done);
    await settle();
    expect(times()).toEqual([0, 60_000]);
    last().finish(done);
    await clock.advance(60_000);
    expect(runs).toHaveLength(2);
  });

  test('lets a change that came during a run go before the pause that the run asked for', async () => {
    const queue = makeQueue();
    queue.add(key('a'));
    queue.add(key('a'));
    last().finish({ kind: 'requeue', afterMs: 10_000 });
    await settle();
    expect(times()).toEqual([0, 0]);
  });

  test('keeps keys apart by namespace and name', async () => {
    const queue = makeQueue();
    queue.add({ namespace: 'a', name: 'b' });
    queue.add({ namespace: '', name: 'a/b' });
    queue.add({ namespace: 'a', name: 'b' });
    await settle();
    expect(runs).toHaveLength(2);
  });

  test('runs as many keys at the same time as it may, and the others in the order they came', async () => {
    const queue = makeQueue({ concurrency: 2 });
    for (const name of ['a', 'b', 'c', 'd']) queue.add(key(name));
    expect(names()).toEqual(['a', 'b']);
    runs[1]!.finish(done);
    await settle();
    runs[0]!.finish(done);
    await settle();
    expect(names()).toEqual(['a', 'b', 'c', 'd']);
  });

  test('runs a key again after the pause it asked for, or sooner when it is added', async () => {
    const queue = makeQueue();
    queue.add(key('a'));
    last().finish({ kind: 'requeue', afterMs: 500 });
    await clock.advance(499);
    expect(runs).toHaveLength(1);
    await clock.advance(1);
    expect(times()).toEqual([0, 500]);

    last().finish({ kind: 'requeue', afterMs: 500 });
    await clock.advance(100);
    queue.add(key('a'));
    await settle();
    expect(times()).toEqual([0, 500, 600]);
    last().finish(done);
    await clock.advance(10_000);
    expect(runs).toHaveLength(3);
  });

  test('repeats a failing key with growing pauses up to the cap, and forgets them after a success', async () => {
    const queue = makeQueue();
    queue.add(key('a'));
    for (const pause of [1_000, 2_000, 4_000, 8_000, 8_000]) {
      const count = runs.length;
      last().fail(new Error('broken'));
      await clock.advance(pause - 1);
      expect(runs).toHaveLength(count);
      await clock.advance(1);
      expect(runs).toHaveLength(count + 1);
    }
    last().finish({ kind: 'requeue', afterMs: 1 });
    await clock.advance(1);
    last().fail(new Error('broken'));
    await clock.advance(1_000);
    expect(times().at(-1)).toBe(times().at(-2)! + 1_000);
  });

  test('cannot be driven in a circle by the changes that a failing run makes itself', async () => {
    const queue = makeQueue();
    queue.add(key('a'));
    for (let round = 0; round < 5; round += 1) {
      queue.add(key('a'));
      last().fail(new Error('broken'));
      await settle();
      queue.add(key('a'));
      await clock.advance(200);
    }
    expect(times()).toEqual([0, 200, 400, 600, 800, 1_000]);
  });

  test('takes a change up long before the end of a long pause after a failure', async () => {
    const queue = makeQueue();
    queue.add(key('a'));
    last().fail(new Error('broken'));
    await clock.advance(50);
    queue.add(key('a'));
    await clock.advance(149);
    expect(runs).toHaveLength(1);
    await clock.advance(1);
    expect(times()).toEqual([0, 200]);
    last().fail(new Error('broken'));
    await clock.advance(500);
    queue.add(key('a'));
    await settle();
    expect(times()).toEqual([0, 200, 700]);
  });

  test('goes on with other keys while one fails', async () => {
    const queue = makeQueue({ concurrency: 1 });
    queue.add(key('a'));
    queue.add(key('b'));
    last().fail(new Error('broken'));
    await settle();
    expect(names()).toEqual(['a', 'b']);
  });

  test('aborts what runs when it stops, waits for it, and starts nothing more', async () => {
    const queue = makeQueue({ concurrency: 2 });
    for (const name of ['a', 'b', 'c']) queue.add(key(name));
    let stopped = false;
    const stop = queue.stop().then(() => (stopped = true));
    await settle();
    expect(runs.map(({ signal }) => signal.aborted)).toEqual([true, true]);
    runs[0]!.fail(new Error('aborted'));
    await settle();
    expect(stopped).toBe(false);
    runs[1]!.finish({ kind: 'requeue', afterMs: 0 });
    await stop;

    queue.add(key('d'));
    await clock.advance(60_000);
    expect(names()).toEqual(['a', 'b']);
  });

  test('tells its observer about waiting, runs and failures', async () => {
    const queue = makeQueue({ concurrency: 1 });
    queue.add(key('a'));
    queue.add(key('b'));
    await clock.advance(30);
    last().finish(done);
    await settle();
    await clock.advance(12);
    last().fail(new Error('broken'));
    await settle();
    expect(trace).toEqual([
      'added 1',
      'started a 0',
      'added 1',
      'finished a 30 done',
      'started b 30',
      'failed b 12 broken 1000',
    ]);
  });
});
