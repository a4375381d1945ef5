import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { Bench, expectSilentMonitor } from './conformance/bench.ts';
import { lastOf } from './conformance/outcome.ts';
import { FIELD } from './conformance/raw-device.ts';
import type { RawDevice } from './conformance/raw-device.ts';

let bench: Bench;

beforeAll(async () => {
  bench = await Bench.start({ devices: 96, args: ['--traffic', 'off', '--mmap', 'none'] });
});

afterAll(() => bench[Symbol.asyncDispose]());

afterEach(() => expectSilentMonitor(bench));

/** A device in stop-and-copy. */
async function stopped(from: Bench = bench): Promise<RawDevice> {
  const raw = await from.raw(from.take());
  expect(await raw.walk(0x0, 0x2)).toBe('done');
  return raw;
}

const streamOf = async (from: Bench = bench): Promise<Buffer[]> => (await stopped(from)).segments();

/** How a fresh device takes a stream: `done`, or the errno of what it refused; it is then still in RESUMING or ERROR. */
async function load(segments: readonly Buffer[], into: Bench = bench): Promise<string> {
  const raw = await into.raw(into.take());
  expect(await raw.walk(0x0, 0x4)).toBe('done');
  await raw.load(segments); // an error may come here or below
  const left = await raw.set(0x0);
  expect(left === 'done' ? [0x0] : [0x4, 0x6]).toContain(await raw.state());
  return left;
}

/** Where a segment stands in its session, as the emulator numbers them. */
const indexOf = (segment: Buffer): number => Number(segment.readBigUInt64LE(16));

describe('D-14: RESUMING is left only with a stream that is', () => {
  const refused: [string, (whole: Buffer[]) => Buffer[]][] = [
    ['there at all', () => []],
    ['complete at its end', (whole) => whole.slice(0, -1)],
    ['complete at its beginning', (whole) => whole.slice(1)],
    ['more than its introduction', (whole) => whole.slice(0, 1)],
    ['data of such a device', () => [Buffer.alloc(4096, 7)]],
    [
      'unaltered',
      (whole) => whole.map((segment, at) => (at === 2 ? altered(segment, segment.length >> 1) : segment)),
    ],
  ];
  test.each(refused)('D-14: %s', async (_, change) => {
    const whole = await streamOf();
    expect(whole.length).toBeGreaterThan(4);
    expect(await load(whole)).toBe('done');
    await expectSilentMonitor(bench);
    expect(await load(change(whole))).not.toBe('done');
    await bench.items();
  });

  test('D-14: of its own model and size', async () => {
    for (const args of [
      ['--device-id', 'beef'],
      ['--memory', '256K'],
    ]) {
      await using other = await Bench.start({ devices: 1, args: ['--traffic', 'off', ...args] });
      expect(await load(await streamOf(other))).not.toBe('done');
    }
    await bench.items();
  });
});

function altered(segment: Buffer, at: number): Buffer {
  const copy = Buffer.from(segment);
  copy[at] = segment[at]! ^ 1;
  return copy;
}

test('D-20: pending_bytes may be read again and again before data_offset', async () => {
  const raw = await stopped();
  const stream: Buffer[] = [];
  for (let pending = await raw.pending(); pending !== 0; pending = await raw.pending()) {
    expect(await raw.pending()).toBe(pending);
    expect(await raw.pending()).toBe(pending);
    stream.push(await raw.segment());
  }
  expect(await load(stream)).toBe('done');
});

test('D-21: data_offset makes one segment available; asked again it is the same one; it moves', async () => {
  const raw = await stopped();
  const stream: Buffer[] = [];
  const places = new Set<number>();
  while ((await raw.pending()) !== 0) {
    const [place, size] = [await raw.place(), await raw.size()];
    places.add(place);
    expect([await raw.place(), await raw.size(), await raw.place()]).toEqual([place, size, place]);
    stream.push(await raw.segment());
  }
  expect(places.size).toBeGreaterThan(1);
  expect(await load(stream)).toBe('done');
});

test('D-22: a segment may be collected in pieces of any size', async () => {
  const raw = await stopped();
  const stream: Buffer[] = [];
  for (let piece = 113; (await raw.pending()) !== 0; piece = ((piece * 3) % 3997) + 1) {
    stream.push(await raw.segment(piece));
  }
  expect(await load(stream)).toBe('done');
});

test('D-23: pending_bytes after data_offset acknowledges; what was not collected is gone', async () => {
  const raw = await stopped();
  const [first] = await raw.segments(1);
  expect(await raw.pending()).toBeGreaterThan(0);
  await raw.place(); // committed, and never collected
  expect(await raw.size()).toBeGreaterThan(0);
  expect(await raw.pending()).toBeGreaterThan(0);
  expect([indexOf(first!), indexOf(await raw.segment())]).toEqual([0, 2]);
  expect(await bench.items()).toEqual(['V1-43']);
});

test('D-24: zero while RUNNING may become more later; while not RUNNING it is final', async () => {
  await using busy = await Bench.start({ devices: 1, args: ['--traffic', 'off', '--dirty-rate', '2M'] });
  const raw = await busy.raw(0);
  expect(await raw.set(0x3)).toBe('done');
  const stream = await raw.segments(); // up to a moment with nothing pending
  const more = await lastOf(
    () => raw.pending(),
    (pending) => pending > 0,
  );
  expect(more).toBeGreaterThan(0);
  expect(await raw.set(0x2)).toBe('done');
  stream.push(...(await raw.segments()));
  for (let look = 0; look < 5; look += 1) {
    expect(await raw.pending()).toBe(0);
    await delay(2);
  }
  expect(await load(stream)).toBe('done');
  await expectSilentMonitor(busy);
});

test.each([0, 1, 4])(
  'D-25: pre-copy is left after %i segments; the rest comes in stop-and-copy',
  async (n) => {
    const raw = await bench.raw(bench.take());
    expect(await raw.set(0x3)).toBe('done');
    const stream = await raw.segments(n);
    expect(await raw.pending()).toBeGreaterThan(0);
    expect(await raw.set(0x2)).toBe('done');
    stream.push(...(await raw.segments()));
    expect(await load(stream)).toBe('done');
  },
);

describe('D-26: segments that are', () => {
  const changes: [string, (whole: Buffer[], other: Buffer[]) => Buffer[]][] = [
    ['swapped', ([a, b, c, ...rest]) => [a!, c!, b!, ...rest]],
    ['doubled', ([a, b, ...rest]) => [a!, b!, b!, ...rest]],
    ['left out', ([a, , ...rest]) => [a!, ...rest]],
    ['longer', ([a, b, ...rest]) => [a!, Buffer.concat([b!, Buffer.alloc(8)]), ...rest]],
    ['shorter', ([a, b, ...rest]) => [a!, b!.subarray(0, -8), ...rest]],
    ['merged', ([a, b, c, ...rest]) => [a!, Buffer.concat([b!, c!]), ...rest]],
    ['split', ([a, b, ...rest]) => [a!, b!.subarray(0, 6000), b!.subarray(6000), ...rest]],
    ['of another session', ([a, , ...rest], other) => [a!, other[1]!, ...rest]],
  ];
  test.each(changes)('D-26: %s are noticed when RESUMING is left at the latest', async (_, change) => {
    const whole = await streamOf();
    expect(await load(whole)).toBe('done');
    expect(await load(change(whole, await streamOf()))).not.toBe('done');
    expect((await bench.items()).length).toBeGreaterThan(0);
  });
});

test('D-26: a segment is judged when its size is written', async () => {
  const whole = await streamOf();
  const raw = await bench.raw(bench.take());
  expect(await raw.walk(0x0, 0x4)).toBe('done');
  expect(await raw.load([whole[0]!, whole[2]!])).toBe('EINVAL');
  expect(await raw.get(FIELD.state, 4)).toBe(0x4);
  expect(await bench.items()).toEqual(['V1-51']);
});
