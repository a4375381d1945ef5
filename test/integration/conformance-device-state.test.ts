import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { Bench, expectSilentMonitor } from './conformance/bench.ts';
import { FIELD, REGION } from './conformance/raw-device.ts';

const DEVICES = 40;
const WITHOUT_NDMA = DEVICES - 1;

/** Valid values of bits 3:0 without NDMA and with it, and the six that are none or are ERROR. */
const VALID = [0x0, 0x1, 0x2, 0x3, 0x4, 0x8, 0x9, 0xa, 0xb, 0xc];
const NEVER_WRITTEN = [0x5, 0x6, 0x7, 0xd, 0xe, 0xf];

let bench: Bench;

beforeAll(async () => {
  const args = ['--traffic', 'off', '--mmap', 'none', '--no-ndma', `${WITHOUT_NDMA}`];
  bench = await Bench.start({ devices: DEVICES, args });
});

afterAll(() => bench[Symbol.asyncDispose]());

afterEach(() => expectSilentMonitor(bench));

const hex = (state: number): string => `0x${state.toString(16)}`;

test('D-03: the default state is exactly RUNNING, at first and after RESET', async () => {
  const raw = await bench.raw(bench.take());
  expect(await raw.get(FIELD.state, 4)).toBe(0x1);
  expect(await raw.set(0x9)).toBe('done');
  await raw.native.reset();
  expect(await raw.get(FIELD.state, 4)).toBe(0x1);
});

test('D-04: when the write returns the device is in the new state', async () => {
  const raw = await bench.raw(bench.take());
  for (const state of [0x3, 0xb, 0xa, 0x2, 0x0, 0x9, 0x1]) {
    expect(await raw.put(FIELD.state, state, 4)).toBe('done');
    expect(await raw.get(FIELD.state, 4)).toBe(state); // the first look after it
  }
});

test('D-05: of several bits in one write NDMA is set first and cleared last', async () => {
  await using set = await Bench.start({ devices: 2, args: ['--link-rate', '200', '--link-latency', '5ms'] });
  const [first, second] = [await set.raw(0), await set.raw(1)];
  await set.control.ask('freeze');
  for (const nibble of [0x9, 0x8, 0x0]) {
    expect(await first.set(nibble)).toBe('done');
    expect(await second.set(nibble)).toBe('done');
  }
  const sent = async (): Promise<number[]> => (await set.control.links()).map(({ sentHere }) => sentHere);
  const before = await sent();
  // A device that ran without NDMA for a moment would have sent what it had waiting.
  expect(await first.set(0x9)).toBe('done');
  expect(await first.set(0x0)).toBe('done');
  expect(await sent()).toEqual(before);
  for (const nibble of [0x3, 0xa, 0x4]) {
    expect(await first.set(nibble)).toBe('done');
    expect(await first.state()).toBe(nibble);
  }
  expect(await set.items()).toContain('V1-06');
});

test('D-06: the state changes only when the user changes it', async () => {
  await using busy = await Bench.start({ devices: 1, args: ['--dirty-rate', '4M', '--mmap', 'none'] });
  const raw = await busy.raw(0);
  await busy.control.ask('freeze');
  for (const state of [0x3, 0xb, 0xa, 0x2]) {
    expect(await raw.set(state)).toBe('done');
    await raw.segments(20);
    expect(await raw.state()).toBe(state);
  }
  await expectSilentMonitor(busy);
});

test('D-07: a write that fails has an errno and leaves the state where it was, or ERROR', async () => {
  const raw = await bench.raw(bench.take());
  expect(await raw.walk(0x0, 0x4)).toBe('done');
  for (const target of [0x0, 0x9]) {
    expect(await raw.set(target)).toBe('EINVAL'); // nothing was loaded
    expect([0x4, 0x6]).toContain(await raw.state());
  }
  expect(await bench.items()).toEqual(['V1-06', 'V1-22']);
});

describe('D-08: RESET', () => {
  test.each(VALID.map((state) => [hex(state), state] as const))(
    'D-08: from %s returns to RUNNING',
    async (_, state) => {
      const raw = await bench.raw(bench.take());
      const way = (state & 0x1) === 0 ? [0x0, state & 0x7, state] : [state & 0x3, state];
      expect(await raw.walk(...way)).toBe('done');
      expect(await raw.reset()).toBe('done');
      expect(await raw.get(FIELD.state, 4)).toBe(0x1);
    },
  );

  test('D-08: from ERROR returns to RUNNING', async () => {
    const index = bench.take();
    const raw = await bench.raw(index);
    await bench.fault(index, 'error-on-arc', { to: '0x0', count: 1 });
    expect(await raw.set(0x0)).not.toBe('done');
    expect(await raw.state()).toBe(0x6);
    expect(await raw.reset()).toBe('done');
    expect(await raw.get(FIELD.state, 4)).toBe(0x1);
  });
});

test.each([0x1, 0x3, 0xb, 0x2, 0x0, 0x4].map((state) => [hex(state), state] as const))(
  'D-09: in %s no value that is never valid, nor ERROR, is taken',
  async (_, state) => {
    const raw = await bench.raw(bench.take());
    expect(await raw.walk(...((state & 0x1) === 0 ? [0x0, state] : [state & 0x3, state]))).toBe('done');
    for (const never of NEVER_WRITTEN) {
      expect(await raw.set(never)).toBe('EINVAL');
      expect(await raw.state()).toBe(state);
    }
    expect(new Set(await bench.items())).toEqual(new Set(['V1-05', 'V1-17']));
  },
);

test('D-13: SAVING opens the window, and leaving it ends the stream', async () => {
  const raw = await bench.raw(bench.take());
  expect(await raw.set(0x3)).toBe('done');
  const first = await raw.segments(2);
  const place = await raw.place();
  expect(await raw.pending()).toBeGreaterThan(0);
  expect(await raw.set(0x1)).toBe('done');
  expect(await raw.bytes(REGION.migration, place, 8)).toBe('EINVAL');
  expect(await raw.set(0x3)).toBe('done');
  const again = await raw.segments(2);
  // A segment's name in its session: the same index, another session.
  const name = (segment: Buffer): [bigint, bigint] => [
    segment.readBigUInt64LE(8),
    segment.readBigUInt64LE(16),
  ];
  expect(again.map((segment) => name(segment)[1])).toEqual([0n, 1n]);
  expect(name(again[0]!)[0]).not.toBe(name(first[0]!)[0]);
  expect(await bench.items()).toEqual(['V1-18']);
});

test('D-15: NDMA is offered by capability 6 alone, and without it bit 3 is refused', async () => {
  const with6 = await bench.raw(bench.take());
  expect(with6.native.info.p2p).toBe(true);
  expect(await with6.set(0x9)).toBe('done');
  const without = await bench.raw(WITHOUT_NDMA);
  expect(without.native.info.p2p).toBe(false);
  expect(await without.set(0x9)).toBe('EINVAL');
  expect(await without.state()).toBe(0x1);
  expect(await without.set(0x0)).toBe('done');
  expect(await without.set(0x8)).toBe('EINVAL');
  expect(await without.state()).toBe(0x0);
  expect(await bench.items()).toEqual(['V1-24', 'V1-24']);
});

test('D-18: NDMA without RUNNING is taken and means the same as none', async () => {
  const index = bench.take();
  const raw = await bench.raw(index);
  expect(await raw.walk(0x9, 0x8)).toBe('done');
  expect(await raw.state()).toBe(0x8);
  const stopped = await bench.control.digest(index);
  expect(await raw.set(0x0)).toBe('done');
  expect(await bench.control.digest(index)).toEqual(stopped);
  expect(await raw.walk(0x2, 0xa)).toBe('done');
  expect((await raw.segments()).length).toBeGreaterThan(1);
  expect(await raw.walk(0x2, 0x0, 0x4, 0xc, 0x4)).toBe('done');
});
