import { describe, expect, test } from '@jest/globals';
import type { SaveOrder } from '@transship/node-agent/internal/workload/freezer';
import { WorkloadSource } from '@transship/node-agent/internal/transfer/workload-source';
import { crc32c } from '../support/crc32c.ts';
import { FakeFreezer } from '../support/fake-freezer.ts';
import { ManualClock, settle } from '../support/manual-clock.ts';
import { recordingLog } from '../support/recording-log.ts';

const LIMITS = { bytes: 1_000, timeoutMs: 60_000 };

/** A workload that never comes to an end: ten bytes at once, or nothing at all. */
class Endless {
  readonly workload = FakeFreezer.healthy();
  readonly clock = new ManualClock();
  readonly source: WorkloadSource;
  /** Passes that were ended from outside. */
  readonly cancelled: string[] = [];

  constructor(kind: 'sends' | 'hangs', livePass = false) {
    this.workload.facts = { devices: [], livePass, dma: null };
    this.workload.save = (order) => (kind === 'sends' ? this.#send(order) : this.#hang(order));
    const parts = { workload: this.workload, devices: [], savingId: 'uid-1/1', crc32c };
    this.source = new WorkloadSource({ ...parts, log: recordingLog(), clock: this.clock, limits: LIMITS });
  }

  /** Takes pieces until the source fails or `most` came. */
  async take(most: number): Promise<number> {
    let taken = 0;
    for (; taken < most; taken += 10) await this.source.next();
    return taken;
  }

  async *#send({ pass, signal }: SaveOrder): AsyncGenerator<Buffer, void> {
    signal.addEventListener('abort', () => this.cancelled.push(pass));
    for (;;) {
      await Promise.resolve();
      signal.throwIfAborted();
      yield Buffer.alloc(10);
    }
  }

  async *#hang({ pass, signal }: SaveOrder): AsyncGenerator<Buffer, void> {
    const { promise, reject } = Promise.withResolvers<Buffer>();
    signal.addEventListener('abort', () => {
      this.cancelled.push(pass);
      reject(signal.reason as Error);
    });
    yield await promise;
  }
}

const failing = (code: string) => expect.objectContaining({ failure: expect.objectContaining({ code }) });

describe('a workload that never ends its final pass', () => {
  test('is given up at the limit of bytes', async () => {
    const { source, take } = bound(new Endless('sends'));
    source.drain();
    expect(await take(1_000)).toBe(1_000);
    await expect(source.next()).rejects.toEqual(failing('StreamTooLarge'));
  });

  test('is given up when its time is over, while it sends', async () => {
    const endless = bound(new Endless('sends'));
    endless.source.drain();
    await endless.take(100);
    await endless.clock.advance(59_999);
    await endless.take(100);
    await endless.clock.advance(1);
    await expect(endless.source.next()).rejects.toEqual(failing('DeadlineExceeded'));
    expect(endless.cancelled).toEqual(['final']);
  });

  test('is given up when its time is over, while it says nothing', async () => {
    const endless = bound(new Endless('hangs'));
    endless.source.drain();
    const next = endless.source.next().catch((error: unknown) => error);
    await settle();
    await endless.clock.advance(60_000);
    expect(await next).toEqual(failing('DeadlineExceeded'));
    expect(endless.cancelled).toEqual(['final']);
  });
});

describe('a live pass', () => {
  test('has no limit before the set stops, and the same one after it', async () => {
    const { source, take, clock } = bound(new Endless('sends', true));
    expect(await take(5_000)).toBe(5_000);
    await clock.advance(600_000);
    expect(await take(5_000)).toBe(5_000);
    source.drain();
    await take(1_000);
    await expect(source.next()).rejects.toEqual(failing('StreamTooLarge'));
  });
});

test('a final pass that ends in time is no failure later', async () => {
  const workload = FakeFreezer.healthy();
  const clock = new ManualClock();
  const parts = { workload, devices: [], savingId: 'uid-1/1', crc32c, log: recordingLog() };
  const source = new WorkloadSource({ ...parts, clock, limits: LIMITS });
  source.drain();
  expect(await source.next()).toEqual({ size: workload.saved.length });
  await source.read(1_000);
  expect(await source.next()).toBe('end');
  await clock.advance(120_000);
  expect(() => source.end()).not.toThrow();
});

/** Methods that may be taken apart. */
const bound = (endless: Endless) => ({
  source: endless.source,
  clock: endless.clock,
  cancelled: endless.cancelled,
  take: (most: number) => endless.take(most),
});
