import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { eventually } from '../support/managed-process.ts';
import { Bench, expectSilentMonitor } from './conformance/bench.ts';
import { collect, expectAccepted, readRest, sail } from './conformance/client.ts';
import { granted, outcome, refusal } from './conformance/outcome.ts';
import { REGION } from './conformance/raw-device.ts';

let bench: Bench;

beforeAll(async () => {
  bench = await Bench.start({ devices: 64, args: ['--traffic', 'off', '--mmap', 'none'] });
});

afterAll(() => bench[Symbol.asyncDispose]());

afterEach(() => expectSilentMonitor(bench));

/** A fresh device must find the stream complete, intact and in order. */
async function expectComplete(segments: readonly Buffer[]): Promise<void> {
  await expectAccepted(await bench.open(bench.take()), segments);
}

test('V1-18: leaving SAVING ends the stream: nothing more of it is read', async () => {
  const device = await bench.open(bench.take());
  await sail(device, 'PreCopy');
  await collect(device, { limit: 2 });
  await sail(device, 'Running');
  expect(await outcome(device.nextSegment())).toBe('TRANSSHIP_NOT_SAVING');
  expect(await outcome(device.readSegment(16))).toBe('TRANSSHIP_NOT_SAVING');
});

test('V1-19: SAVING again is another stream, from its beginning to its end', async () => {
  const device = await bench.open(bench.take());
  await sail(device, 'Stop', 'StopCopy');
  const first = await collect(device);
  expect(first.ended).toBe(true);
  await sail(device, 'Stop', 'StopCopy');
  const second = await collect(device);
  expect(second.segments.length).toBe(first.segments.length);
  await expectComplete(second.segments);
});

test('V1-20: from pre-copy to stop-and-copy the stream goes on, with the segment that was open', async () => {
  const device = await bench.open(bench.take());
  await sail(device, 'PreCopy', 'PreCopyP2P');
  const { segments } = await collect(device, { limit: 2 });
  await granted(device.nextSegment());
  const begin = await granted(device.readSegment(100));
  await sail(device, 'StopCopy');
  segments.push(Buffer.concat([begin.data, await readRest(device)]));
  segments.push(...(await collect(device)).segments);
  await expectComplete(segments);
});

test('V1-35: pending_bytes is asked only whether it is zero', async () => {
  const device = await bench.open(bench.take());
  await sail(device, 'Stop', 'StopCopy');
  // Towards the end the estimate, which is of contents alone, is below the size of the segment that comes.
  const { segments, ended } = await collect(device);
  expect(ended).toBe(true);
  await expectComplete(segments);
});

test('V1-36: an estimate that grows, beyond the window too, is no error', async () => {
  await using busy = await Bench.start({
    devices: 1,
    args: ['--traffic', 'off', '--dirty-rate', '16M', '--memory', '256K'],
  });
  const device = await busy.open(0);
  await sail(device, 'PreCopy');
  expect(await granted(device.pendingBytes())).toBeGreaterThan(device.info.dataWindowSize);
  await eventually('an estimate that grows', 60_000, async () => {
    // It cannot grow once everything is to be sent again, so some is collected before each look.
    await collect(device, { limit: 12 });
    const before = await granted(device.pendingBytes());
    return (await granted(device.pendingBytes())) > before ? true : null;
  });
  expect((await granted(device.nextSegment())).size).toBeGreaterThan(0);
  await expectSilentMonitor(busy);
});

test('V1-37: zero while RUNNING is not the end', async () => {
  const device = await bench.open(bench.take());
  await sail(device, 'PreCopy');
  const precopied = await collect(device);
  expect(precopied.ended).toBe(false);
  expect(await granted(device.nextSegment())).toEqual({ size: 0, ended: false });
  await sail(device, 'PreCopyP2P', 'StopCopy');
  const rest = await collect(device);
  expect(rest.segments.length).toBeGreaterThan(0);
  expect(rest.ended).toBe(true);
  await expectComplete([...precopied.segments, ...rest.segments]);
});

test('V1-38: the end is zero while not RUNNING, and only that', async () => {
  const device = await bench.open(bench.take());
  await sail(device, 'Stop', 'StopCopy');
  const { segments, ended } = await collect(device);
  expect(ended).toBe(true);
  expect(await granted(device.nextSegment())).toEqual({ size: 0, ended: true });
  await expectComplete(segments);
});

test('V1-39: pre-copy is left with data pending', async () => {
  const device = await bench.open(bench.take());
  await sail(device, 'PreCopy');
  const { segments } = await collect(device, { limit: 1 });
  expect(await granted(device.pendingBytes())).toBeGreaterThan(0);
  await sail(device, 'PreCopyP2P', 'StopCopy');
  segments.push(...(await collect(device)).segments);
  await expectComplete(segments);
});

test('V1-40: pending_bytes is not read outside of SAVING', async () => {
  const device = await bench.open(bench.take());
  expect(await outcome(device.pendingBytes())).toBe('TRANSSHIP_NOT_SAVING');
  await sail(device, 'Stop', 'Resuming');
  expect(await outcome(device.pendingBytes())).toBe('TRANSSHIP_NOT_SAVING');
});

test('V1-41: pending_bytes, data_offset, data_size, data, pending_bytes', async () => {
  const device = await bench.open(bench.take());
  await sail(device, 'PreCopy');
  const { segments } = await collect(device, { limit: 3 });
  expect(segments.map(({ length }) => length > 0)).toEqual([true, true, true]);
});

test('V1-42: the estimate may be asked any number of times between segments', async () => {
  const device = await bench.open(bench.take());
  await sail(device, 'Stop', 'StopCopy');
  const segments: Buffer[] = [];
  for (let ended = false; !ended;) {
    for (let times = 0; times < 3; times += 1) await granted(device.pendingBytes());
    const next = await collect(device, { limit: 1 });
    segments.push(...next.segments);
    ended = next.ended;
  }
  await expectComplete(segments);
});

describe('V1-43: a segment that was asked for', () => {
  test('V1-43: is collected before an arc, and what was left of it is read afterwards', async () => {
    const device = await bench.open(bench.take());
    await sail(device, 'PreCopy');
    const { segments } = await collect(device, { limit: 1 });
    await granted(device.nextSegment());
    const begin = await granted(device.readSegment(64));
    await sail(device, 'PreCopyP2P', 'StopCopy');
    segments.push(Buffer.concat([begin.data, await readRest(device)]));
    segments.push(...(await collect(device)).segments);
    await expectComplete(segments);
  });

  test('V1-43: keeps everybody from pending_bytes until it is read', async () => {
    const device = await bench.open(bench.take());
    await sail(device, 'PreCopy');
    await granted(device.nextSegment());
    await granted(device.readSegment(1));
    expect(await outcome(device.pendingBytes())).toBe('TRANSSHIP_SEGMENT_OPEN');
    expect(await outcome(device.nextSegment())).toBe('TRANSSHIP_SEGMENT_OPEN');
    await readRest(device);
    expect(await outcome(device.pendingBytes())).toBe('done');
  });

  test('V1-43: is collected and dropped by an abort', async () => {
    const device = await bench.open(bench.take());
    await sail(device, 'PreCopy');
    await granted(device.nextSegment());
    await sail(device, 'Running');
    expect(await granted(device.state())).toBe('Running');
  });
});

test('V1-45: a segment is collected in pieces of any size, over transfers of any size', async () => {
  const device = await bench.open(bench.take(), { maxTransfer: 24 });
  await sail(device, 'Stop', 'StopCopy');
  const { segments, ended } = await collect(device, { maxLength: 1000 });
  expect(ended).toBe(true);
  await expectComplete(segments);
});

test('V1-46: data is the same read, mapped, and partly mapped', async () => {
  for (const mode of ['none', 'mixed', 'full']) {
    await using other = await Bench.start({ devices: 4, args: ['--traffic', 'off', '--mmap', mode] });
    for (const mmap of [true, false]) {
      const device = await other.open(other.take(), { mmap });
      expect(device.info.mmapAreas.length).toBe(mmap && mode !== 'none' ? 1 : 0);
      await sail(device, 'Stop', 'StopCopy');
      const { segments } = await collect(device);
      await expectAccepted(await other.open(other.take(), { mmap }), segments);
    }
    await expectSilentMonitor(other);
  }
});

describe('V1-47: a segment', () => {
  test.each([
    ['beyond the region', { data_offset: '0x7fffffff' }],
    ['whose end overflows', { data_size: '0xffffffffffffffff' }],
    ['longer than the region', { data_size: '0x20000' }],
    ['over the registers', { data_offset: 8 }],
  ])('V1-47: %s ends the stream', async (_, lie) => {
    const index = bench.take();
    const device = await bench.open(index);
    await sail(device, 'PreCopy');
    await bench.fault(index, 'lie', { ...lie, count: 1 });
    expect(await outcome(device.nextSegment())).toBe('TRANSSHIP_DRIVER_VIOLATION');
    expect(await outcome(device.nextSegment())).toBe('TRANSSHIP_SESSION_FAILED');
  });

  test('V1-47: that is empty does not come for ever', async () => {
    const index = bench.take();
    const device = await bench.open(index);
    await sail(device, 'PreCopy');
    await bench.fault(index, 'zero-size', { count: 8 });
    expect(await outcome(device.nextSegment())).toBe('TRANSSHIP_NO_PROGRESS');
  });
});

test('V1-48: data_offset and data_size are not read outside of SAVING and RESUMING', async () => {
  const device = await bench.open(bench.take());
  await sail(device, 'PreCopy');
  await collect(device, { limit: 1 });
  await sail(device, 'Running', 'Stop', 'Running');
  expect(await outcome(device.nextSegment())).toBe('TRANSSHIP_NOT_SAVING');
  expect(await outcome(device.beginSegment(64))).toBe('TRANSSHIP_NOT_RESUMING');
});

test('V1-53: every byte is handed on as the device gave it', async () => {
  const device = await bench.open(bench.take());
  await sail(device, 'PreCopy');
  await collect(device, { limit: 1 });
  const { size } = await granted(device.nextSegment());
  const given = await readRest(device, 100);
  const place = (await granted(device.regionRead(REGION.migration, 16, 8))).readBigUInt64LE();
  // As it stands in the window until the segment is acknowledged.
  expect(given.equals(await granted(device.regionRead(REGION.migration, Number(place), size)))).toBe(true);
});

describe('V1-54: a fault', () => {
  test.each(['pending_bytes', 'data_offset', 'data_size', 'data'])(
    'V1-54: of %s ends the stream there, and a new one can begin',
    async (register) => {
      const index = bench.take();
      const device = await bench.open(index);
      await sail(device, 'PreCopy');
      await bench.fault(index, 'read-fault', { register, errno: 'EFAULT', count: 1 });
      const faulted = await refusal(device.nextSegment().then(() => device.readSegment(64)));
      expect(faulted).toMatchObject({ code: 'TRANSSHIP_ACCESS_FAILED', errno: 'EFAULT', register });
      expect(await outcome(device.nextSegment())).toBe('TRANSSHIP_SESSION_FAILED');
      expect(await outcome(device.readSegment(1))).toBe('TRANSSHIP_SESSION_FAILED');
      expect(await outcome(device.pendingBytes())).toBe('TRANSSHIP_SESSION_FAILED');
      await sail(device, 'Running', 'PreCopy', 'PreCopyP2P', 'StopCopy');
      await expectComplete((await collect(device)).segments);
    },
  );
});
