import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { NativeDevice } from '@transship/native';
import { Bench, expectSilentMonitor } from './conformance/bench.ts';
import { collect, expectAccepted, give, sail } from './conformance/client.ts';
import { granted, outcome, refusal } from './conformance/outcome.ts';

let bench: Bench;

beforeAll(async () => {
  bench = await Bench.start({ devices: 48, args: ['--traffic', 'off', '--mmap', 'none'] });
});

afterAll(() => bench[Symbol.asyncDispose]());

afterEach(() => expectSilentMonitor(bench));

/** The whole stream of a device that nobody has used. */
async function streamOf(from: Bench): Promise<Buffer[]> {
  const device = await from.open(from.take());
  await sail(device, 'Stop', 'StopCopy');
  return (await collect(device)).segments;
}

/** A device in Resuming. */
async function loading(
  from: Bench,
  options: { readonly mmap?: boolean } = {},
): Promise<[NativeDevice, number]> {
  const index = from.take();
  const device = await from.open(index, options);
  await sail(device, 'Stop', 'Resuming');
  return [device, index];
}

test('V1-22: a load that the device rejects is a failure, and RESET is what is left', async () => {
  const [head, ...rest] = await streamOf(bench);
  const [device] = await loading(bench);
  await give(device, [head!, ...rest.slice(0, -1)]);
  const rejected = await refusal(device.arc('Stop'));
  expect(rejected).toMatchObject({ code: 'TRANSSHIP_LOAD_REJECTED', state: 'Resuming' });
  expect(await outcome(device.beginSegment(64))).toBe('TRANSSHIP_SESSION_FAILED');
  expect(await outcome(device.arc('Stop'))).not.toBe('done');
  await granted(device.reset());
  expect(await granted(device.state())).toBe('Running');
});

test('V1-23: RESUMING is not left with a segment begun', async () => {
  const stream = await streamOf(bench);
  const [device] = await loading(bench);
  await give(device, stream.slice(0, -1));
  const last = stream.at(-1)!;
  await granted(device.beginSegment(last.length));
  expect(await outcome(device.arc('Stop'))).toBe('TRANSSHIP_SEGMENT_OPEN');
  await granted(device.writeSegment(last.subarray(1)));
  expect(await outcome(device.commitSegment())).toBe('TRANSSHIP_SEGMENT_INCOMPLETE');
  expect(await outcome(device.arc('Stop'))).toBe('TRANSSHIP_SEGMENT_OPEN');
  expect(await granted(device.state())).toBe('Resuming');
});

test('V1-44: data_offset is read for each segment', async () => {
  await expectAccepted(await bench.open(bench.take()), await streamOf(bench));
});

test('V1-49: data_offset, data, data_size, for each segment', async () => {
  const [device] = await loading(bench);
  await give(device, (await streamOf(bench)).slice(0, 3), 1000);
  expect(await granted(device.state())).toBe('Resuming');
});

test('V1-50: segments keep the sizes that they were collected with', async () => {
  const stream = await streamOf(bench);
  const sizes = new Set(stream.map(({ length }) => length));
  expect(sizes.size).toBeGreaterThan(1);
  await expectAccepted(await bench.open(bench.take()), stream);
});

test('V1-52: a segment larger than the window is refused and not begun', async () => {
  const [device] = await loading(bench);
  expect(await outcome(device.beginSegment(device.info.regionSize))).toBe('TRANSSHIP_SEGMENT_TOO_LARGE');
  expect(await outcome(device.writeSegment(Buffer.alloc(8)))).toBe('TRANSSHIP_NO_SEGMENT');
});

describe('V1-54: a fault while loading', () => {
  test.each([
    ['read-fault', 'data_offset'],
    ['write-fault', 'data'],
    ['write-fault', 'data_size'],
  ])('V1-54: a %s of %s ends the load until RESET', async (kind, register) => {
    const stream = await streamOf(bench);
    const [device, index] = await loading(bench);
    await bench.fault(index, kind, { register, errno: 'EFAULT', count: 1 });
    const giving = async (): Promise<void> => {
      await device.beginSegment(stream[0]!.length);
      await device.writeSegment(stream[0]!);
      await device.commitSegment();
    };
    const faulted = await refusal(giving());
    expect(faulted).toMatchObject({ code: 'TRANSSHIP_ACCESS_FAILED', errno: 'EFAULT', register });
    expect(await outcome(giving())).toBe('TRANSSHIP_SESSION_FAILED');
    expect(await outcome(device.arc('Stop'))).toBe('TRANSSHIP_SESSION_FAILED');
    await granted(device.reset());
    await expectAccepted(device, stream);
  });
});

test('V1-55: with the data mapped the fields are still accessed, since they carry the fault', async () => {
  await using mapped = await Bench.start({ devices: 4, args: ['--traffic', 'off', '--mmap', 'full'] });
  const stream = await streamOf(mapped);
  const [device, index] = await loading(mapped);
  expect(device.info.mmapAreas.length).toBe(1);
  await give(device, stream.slice(0, 2));
  await mapped.fault(index, 'read-fault', { register: 'data_offset', errno: 'EIO', count: 1 });
  expect(await outcome(device.beginSegment(stream[2]!.length))).toBe('TRANSSHIP_ACCESS_FAILED');
  await expectSilentMonitor(mapped);
});
