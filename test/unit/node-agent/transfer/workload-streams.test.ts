import { describe, expect, test } from '@jest/globals';
import type { IovaRange } from '@transship/node-agent/internal/device/port';
import type { LoggedDevice } from '@transship/node-agent/internal/workload/dirty-log';
import { DirtyLog } from '@transship/node-agent/internal/workload/dirty-log';
import { MAX_PIECE_BYTES } from '@transship/node-agent/internal/workload/freezer';
import { WorkloadSink } from '@transship/node-agent/internal/transfer/workload-sink';
import { DEFAULT_FINAL_PASS, WorkloadSource } from '@transship/node-agent/internal/transfer/workload-source';
import { crc32c } from '../support/crc32c.ts';
import { FakeFreezer } from '../support/fake-freezer.ts';
import { ManualClock, settle } from '../support/manual-clock.ts';
import { recordingLog } from '../support/recording-log.ts';

/** A device whose DMA log does as it is told. */
class FakeLog implements LoggedDevice {
  readonly id: string;
  readonly facts = { dmaLogging: true };
  readonly calls: string[] = [];
  pageSize = 4096;
  fails: 'start' | 'report' | 'stop' | null = null;
  bitmap: (range: IovaRange) => Buffer = ({ length }) =>
    Buffer.alloc(Number(length / BigInt(this.pageSize) + 63n) >> 3, 0xa5);

  constructor(id: string) {
    this.id = id;
  }

  startDmaLogging(ranges: readonly IovaRange[], pageSize: number): Promise<number> {
    return this.#call('start', `${ranges.length} of ${pageSize}`, this.pageSize);
  }

  reportDmaLogging(range: IovaRange): Promise<Buffer> {
    return this.#call('report', `${range.iova} ${range.length}`, this.bitmap(range));
  }

  stopDmaLogging(): Promise<void> {
    return this.#call('stop', '', undefined);
  }

  #call<T>(name: string, what: string, result: T): Promise<T> {
    this.calls.push(`${name} ${what}`.trim());
    return this.fails === name ? Promise.reject(new Error(`cannot ${name}`)) : Promise.resolve(result);
  }
}

const without = (id: string): LoggedDevice =>
  Object.assign(new FakeLog(id), { facts: { dmaLogging: false } });

const PAGE = 4096n;
const DMA = { ranges: [{ iova: 0n, length: 16n * PAGE }], pageSize: 4096 };

function sourceOf(workload: FakeFreezer, devices: readonly LoggedDevice[] = []): WorkloadSource {
  const [clock, limits] = [new ManualClock(), DEFAULT_FINAL_PASS];
  return new WorkloadSource({
    ...{ workload, devices, savingId: 'uid-1/1', crc32c, log: recordingLog(), clock, limits },
  });
}

async function readAll(source: WorkloadSource): Promise<string[]> {
  const segments: string[] = [];
  for (let next = await source.next(); next !== 'end'; next = await source.next()) {
    const pieces: Buffer[] = [];
    for (let last = false; !last;) {
      const piece = await source.read(5);
      expect(piece.crc32c).toBe(crc32c(piece.data));
      pieces.push(piece.data);
      ({ last } = piece);
    }
    const segment = Buffer.concat(pieces);
    expect(segment).toHaveLength(next.size);
    segments.push(segment.toString());
  }
  return segments;
}

/** Whether the promise is still open after everything that could happen has happened. */
async function isOpen(promise: Promise<unknown>): Promise<boolean> {
  const later = new Promise((resolve) => setTimeout(() => resolve('open'), 20));
  return (await Promise.race([promise, later])) === 'open';
}

describe("a workload's state on its way out", () => {
  test('is asked for when the set is stopped, whole, when no live pass is wanted', async () => {
    const workload = FakeFreezer.healthy();
    const source = sourceOf(workload);
    const first = source.next();
    expect(await isOpen(first)).toBe(true);
    expect(workload.calls).toEqual([]);
    source.drain();
    await expect(first).resolves.toEqual({ size: workload.saved.length });
    expect(workload.calls).toEqual(['save final']);
  });

  test('begins with a live pass where one is wanted; the rest follows when the set is stopped', async () => {
    const workload = FakeFreezer.healthy();
    workload.facts = { devices: [], livePass: true, dma: null };
    const source = sourceOf(workload);
    await expect(source.next()).resolves.toEqual({ size: workload.savedLive.length });
    await source.read(MAX_PIECE_BYTES);
    const second = source.next();
    expect(await isOpen(second)).toBe(true);
    source.drain();
    await expect(second).resolves.toEqual({ size: workload.saved.length });
    expect(workload.calls).toEqual(['save live', 'save final the rest']);
  });

  test('has no live pass when the set is stopped already', async () => {
    const workload = FakeFreezer.healthy();
    workload.facts = { devices: [], livePass: true, dma: DMA };
    const device = new FakeLog('a/0');
    const source = sourceOf(workload, [device]);
    source.drain();
    expect(await readAll(source)).toEqual(['state of the workload']);
    expect(workload.calls).toEqual(['save final']);
    expect(device.calls).toEqual([]);
  });

  test('V2-31, V2-34: logs are started before the live pass, read after the stop, and stopped once', async () => {
    const workload = FakeFreezer.healthy();
    workload.facts = { devices: [], livePass: true, dma: DMA };
    const device = new FakeLog('a/0');
    const source = sourceOf(workload, [device, without('a/1')]);
    await source.next();
    await source.read(MAX_PIECE_BYTES);
    expect(device.calls).toEqual(['start 1 of 4096']);
    const rest = source.next();
    expect(await isOpen(rest)).toBe(true);
    expect(device.calls).toEqual(['start 1 of 4096']);
    source.drain();
    await rest;
    expect(device.calls).toEqual(['start 1 of 4096', 'report 0 65536']);
    expect(workload.dirty).toMatchObject([
      { kind: 'pages', device: 'a/0', iova: 0n, length: 65536n, bitmap: Buffer.from([0xa5, 0xa5]) },
      { kind: 'unknown', device: 'a/1', reason: 'the device keeps no log of its DMA' },
    ]);
    source.end();
    source.end();
    await new Promise((resolve) => setTimeout(resolve, 0));
    expect(device.calls.filter((call) => call === 'stop')).toHaveLength(1);
  });

  test('is given up with its generation: nobody waits, and the logs are stopped', async () => {
    const workload = FakeFreezer.healthy();
    workload.facts = { devices: [], livePass: true, dma: DMA };
    const device = new FakeLog('a/0');
    const source = sourceOf(workload, [device]);
    await source.next();
    await source.read(MAX_PIECE_BYTES);
    const waiting = source.next();
    source.end();
    await expect(waiting).resolves.toBe('end');
    expect(workload.calls).toEqual(['save live']);
    expect(device.calls.at(-1)).toBe('stop');
  });

  test('is let go of when it is ended between two pieces', async () => {
    const workload = FakeFreezer.healthy();
    let isOpen = false;
    workload.save = async function* () {
      isOpen = true;
      try {
        yield Buffer.from('one');
        yield Buffer.from('two');
      } finally {
        isOpen = false;
      }
    };
    const source = sourceOf(workload);
    source.drain();
    await source.next();
    expect(isOpen).toBe(true);
    source.end();
    await settle();
    expect(isOpen).toBe(false);
  });

  test('that the workload does not give is WorkloadFailed', async () => {
    const source = sourceOf(FakeFreezer.failingTo('save'));
    source.drain();
    await expect(source.next()).rejects.toMatchObject({ failure: { code: 'WorkloadFailed' } });
  });

  test('in pieces that are too large is refused', async () => {
    const workload = FakeFreezer.healthy();
    workload.saved = Buffer.alloc(MAX_PIECE_BYTES + 1);
    const source = sourceOf(workload);
    source.drain();
    await expect(source.next()).rejects.toMatchObject({ failure: { code: 'StreamTooLarge' } });
  });
});

describe('the DMA logs of a set', () => {
  const collect = async (log: DirtyLog) => {
    const all = [];
    for await (const memory of log.report()) all.push(memory);
    return all;
  };

  test.each([
    ['start', 'could not be started'],
    ['report', 'cannot be read'],
  ] as const)('V2-33: all memory of a device counts as written when %s fails', async (call, why) => {
    const [bad, good] = [new FakeLog('a/0'), new FakeLog('a/1')];
    bad.fails = call;
    const log = await DirtyLog.start([bad, good], DMA, recordingLog());
    const dirty = await collect(log);
    expect(dirty).toHaveLength(2);
    const [of] = dirty.filter(({ device }) => device === 'a/0');
    expect(of).toMatchObject({ kind: 'unknown' });
    expect(of?.kind === 'unknown' ? of.reason : '').toContain(why);
    expect(dirty.find(({ device }) => device === 'a/1')).toMatchObject({ kind: 'pages' });
  });

  test('V2-33: a bitmap with bits missing is no report', async () => {
    const device = new FakeLog('a/0');
    device.bitmap = () => Buffer.alloc(1);
    const log = await DirtyLog.start([device], DMA, recordingLog());
    expect(await collect(log)).toMatchObject([{ kind: 'unknown' }]);
  });

  test('V2-31: are read in the page size that the device chose, in parts', async () => {
    const device = new FakeLog('a/0');
    device.pageSize = 65536;
    const length = (1n << 39n) + 65536n;
    const log = await DirtyLog.start(
      [device],
      { ranges: [{ iova: PAGE, length }], pageSize: 4096 },
      recordingLog(),
    );
    const dirty = await collect(log);
    expect(dirty).toMatchObject([
      { iova: PAGE, length: 1n << 39n, pageSize: 65536 },
      { iova: PAGE + (1n << 39n), length: 65536n, pageSize: 65536 },
    ]);
  });

  test('a log that cannot be stopped is told and holds nobody up', async () => {
    const device = new FakeLog('a/0');
    device.fails = 'stop';
    const messages = recordingLog();
    const log = await DirtyLog.start([device], DMA, messages);
    await log.stop();
    await log.stop();
    expect(device.calls.filter((call) => call === 'stop')).toHaveLength(1);
    expect(JSON.stringify(messages)).toContain('a DMA log could not be stopped');
  });
});

describe("a workload's state on its way in", () => {
  const never = new AbortController().signal;

  test('reaches the workload in order and is finished once', async () => {
    const workload = FakeFreezer.healthy();
    const sink = new WorkloadSink(workload, 'uid-1/1', never);
    await sink.begin(8);
    await sink.write(Buffer.from('one '));
    await sink.write(Buffer.from('two '));
    await sink.commit();
    await sink.finish();
    await sink.finish();
    expect(workload.loaded?.toString()).toBe('one two ');
    expect(workload.calls.filter((call) => call === 'load')).toHaveLength(1);
  });

  test('is loaded even when it is nothing', async () => {
    const workload = FakeFreezer.healthy();
    await new WorkloadSink(workload, 'uid-1/1', never).finish();
    expect(workload.loaded).toHaveLength(0);
  });

  test('in segments that no source makes is refused', async () => {
    const sink = new WorkloadSink(FakeFreezer.healthy(), 'uid-1/1', never);
    await expect(sink.begin(MAX_PIECE_BYTES + 1)).rejects.toMatchObject({
      failure: { code: 'StreamTooLarge' },
    });
  });
});
