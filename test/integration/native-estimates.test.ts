/** What a device's user may ask beside its stream, of devices of either protocol: real addon, real emulator. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Bench } from './conformance/bench.ts';
import { collect, sail } from './conformance/client.ts';
import { granted, outcome, refusal } from './conformance/outcome.ts';

const PAGE = 4096n;
const memory = { iova: 0n, length: 64n * PAGE };

let v1: Bench;
let v2: Bench;

beforeAll(async () => {
  v1 = await Bench.start({ devices: 2 });
  v2 = await Bench.start({
    devices: 4,
    args: ['--protocol', 'v2', '--traffic', 'off', '--dma-logging', 'on'],
  });
});

afterAll(async () => {
  await v1[Symbol.asyncDispose]();
  await v2[Symbol.asyncDispose]();
});

describe('a v1 device', () => {
  test('has no estimates but pendingBytes() and no log of what it writes', async () => {
    const device = await v1.open(v1.take());
    expect(device.info).toMatchObject({ protocol: 'v1', dmaLogging: false, migrationFlags: 0 });
    await sail(device, 'PreCopy');
    expect(await granted(device.precopyInfo())).toBeNull();
    expect(await granted(device.stopCopySize())).toBeNull();
    expect(await granted(device.pendingBytes())).toBeGreaterThan(0);
    const refused = await refusal(device.startDmaLogging([memory], 4096));
    expect(refused).toMatchObject({ code: 'TRANSSHIP_ACCESS_FAILED', errno: 'ENOTTY' });
  });
});

describe('a v2 device', () => {
  test('tells in pre-copy what waits, and in any state what stopping will cost', async () => {
    const device = await v2.open(v2.take());
    expect(await granted(device.stopCopySize())).toBeGreaterThan(0);
    expect(await outcome(device.precopyInfo())).toBe('TRANSSHIP_NOT_SAVING');
    await sail(device, 'PreCopy');
    const info = await granted(device.precopyInfo());
    expect(info).toEqual({ initialBytes: expect.any(Number), dirtyBytes: 0, reinit: false });
    expect(await granted(device.pendingBytes())).toBe(info!.initialBytes);
    await collect(device);
    expect(await granted(device.pendingBytes())).toBe(0);
  });

  test.each([
    ['no range', [], 4096],
    ['too many ranges', Array.from({ length: 257 }, () => memory), 4096],
    ['an empty range', [{ iova: 0n, length: 0n }], 4096],
    ['a range that ends beyond 64 bits', [{ iova: 2n ** 64n - PAGE, length: 2n * PAGE }], 4096],
    ['an address below zero', [{ iova: -1n, length: PAGE }], 4096],
    ['a page size that is no power of two', [memory], 5000],
    ['a page size of zero', [memory], 0],
  ])('refuses to log %s', async (_, ranges, pageSize) => {
    const device = await v2.open(1);
    expect(await outcome(device.startDmaLogging(ranges, pageSize))).toBe('TRANSSHIP_INVALID_ARGUMENT');
    expect(await outcome(device.reportDmaLogging(memory))).toBe('TRANSSHIP_INVALID_ARGUMENT');
  });

  test('logs high addresses, and ends a log twice as well as once', async () => {
    const device = await v2.open(2);
    const high = { iova: 2n ** 64n - 65n * PAGE, length: 64n * PAGE };
    await granted(device.startDmaLogging([high], 4096));
    expect((await granted(device.reportDmaLogging(high))).length).toBe(8);
    await granted(device.stopDmaLogging());
    await granted(device.stopDmaLogging());
  });
});
