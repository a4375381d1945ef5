import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { Bench, expectSilentMonitor } from './conformance/bench.ts';
import { collect, sail } from './conformance/client.ts';
import { granted } from './conformance/outcome.ts';
import { answered, DATA, FIELD, RawDevice, REGION } from './conformance/raw-device.ts';

let bench: Bench;

beforeAll(async () => {
  bench = await Bench.start({ devices: 24, args: ['--traffic', 'off', '--mmap', 'none'] });
});

afterAll(() => bench[Symbol.asyncDispose]());

afterEach(() => expectSilentMonitor(bench));

test('D-01: the region is found by its type, and the registers stand at its beginning', async () => {
  const raw = await granted(bench.raw(bench.take()));
  expect(await raw.get(FIELD.state, 4)).toBe(0x1);
  expect(await raw.get(FIELD.reserved, 4)).toBe(0);
  expect(await raw.set(0x3)).toBe('done');
  expect(await raw.get(FIELD.pending, 8)).toBeGreaterThan(0);
  expect(await raw.get(FIELD.offset, 8)).toBeGreaterThanOrEqual(DATA);
  const size = answered(await raw.get(FIELD.size, 8));
  expect(size).toBeGreaterThan(0);
  await raw.bytes(REGION.migration, await raw.place(), size);
});

test('D-02: a field is answered at its own width and alignment only', async () => {
  const raw = await bench.raw(bench.take());
  const native = new Set(['0/4', '4/4', '8/8', '16/8', '24/8']);
  const accepted: string[] = [];
  for (let offset = 0; offset < 40; offset += 1) {
    for (const width of [1, 2, 4, 8]) {
      if (native.has(`${offset}/${width}`)) continue;
      if ((await raw.get(offset, width)) !== 'EINVAL') accepted.push(`read ${offset}/${width}`);
      if ((await raw.put(offset, 0, width)) !== 'EINVAL') accepted.push(`write ${offset}/${width}`);
    }
  }
  expect(accepted).toEqual([]);
  expect(await raw.state()).toBe(0x1);
  expect(new Set(await bench.items())).toEqual(new Set(['V1-02']));
});

describe('D-11: PCI configuration space and the MSI-X table', () => {
  test.each([
    ['quiesced', [0x9]],
    ['stopped with NDMA', [0x9, 0x8]],
    ['stopped', [0x0]],
    ['in stop-and-copy', [0x0, 0x2]],
    ['being loaded', [0x0, 0x4]],
  ])('D-11: of a device that is %s answer', async (_, way) => {
    const raw = await bench.raw(bench.take());
    expect(await raw.walk(...way)).toBe('done');
    expect(await raw.bytes(REGION.config, 0, 4)).toEqual(Buffer.from('34127374', 'hex'));
    expect(await raw.store(REGION.config, 4, Buffer.from([0x06, 0x04]))).toBe('done');
    expect(await raw.bytes(REGION.config, 4, 2)).toEqual(Buffer.from([0x06, 0x04]));
    const entry = Buffer.from([way.length, 0, 0xe0, 0xfe]);
    expect(await raw.store(REGION.msixTable, 0, entry)).toBe('done');
    expect(await raw.bytes(REGION.msixTable, 0, 4)).toEqual(entry);
  });
});

test('D-12: access to the memory of a stopped device harms nobody but that user', async () => {
  const [index, other] = [bench.take(), bench.take()];
  const raw = await bench.raw(index);
  const bystander = await bench.raw(other);
  expect(await raw.set(0x0)).toBe('done');
  const before = await bench.control.digest(index);
  expect(await raw.bytes(REGION.bar0, 0, 8)).toEqual(Buffer.alloc(8, 0xff));
  expect(await raw.store(REGION.bar0, 0x18, Buffer.alloc(8, 1))).toBe('done');
  expect(await bench.control.digest(index)).toEqual(before);
  expect(await bystander.state()).toBe(0x1);
  expect(await bench.items()).toEqual(['V1-15', 'V1-15']);
});

test('D-19: the reserved field reads zero, and bits 31:4 are kept and watched', async () => {
  await using sticky = await Bench.start({ devices: 1, args: ['--traffic', 'off', '--sticky-bits'] });
  const raw = await sticky.raw(0);
  const pattern = answered(await raw.get(FIELD.state, 4)) - 0x1;
  expect(pattern & 0xf).toBe(0);
  expect(pattern).not.toBe(0);
  expect(await raw.get(FIELD.reserved, 4)).toBe(0);
  expect(await raw.put(FIELD.reserved, 0xffffffff, 4)).toBe('done');
  expect(await raw.get(FIELD.reserved, 4)).toBe(0);
  expect(await raw.set(0x3)).toBe('done');
  expect(await raw.get(FIELD.state, 4)).toBe(pattern + 0x3);
  expect(await raw.put(FIELD.state, 0x1, 4)).toBe('done'); // forgets the reserved bits
  expect(await raw.get(FIELD.state, 4)).toBe(pattern + 0x1);
  expect(await sticky.items()).toEqual(['V1-31']);
});

test('D-27: the data section may be mapped or not, and read and write always work', async () => {
  const modes = [
    ['full', 64 * 1024],
    ['mixed', 32 * 1024],
    ['none', 0],
  ] as const;
  for (const [mode, mapped] of modes) {
    await using other = await Bench.start({ devices: 2, args: ['--traffic', 'off', '--mmap', mode] });
    const device = await other.open(0);
    expect(device.info.mmapAreas.reduce((sum, { size }) => sum + size, 0)).toBe(mapped);
    await sail(device, 'Stop', 'StopCopy');
    const raw = new RawDevice(device);
    const stream: Buffer[] = [];
    for (;;) {
      const { segments } = await collect(device, { limit: 1 }); // through the map, where there is one
      if (segments.length === 0) break;
      expect(await raw.bytes(REGION.migration, await raw.place(), segments[0]!.length)).toEqual(segments[0]);
      stream.push(...segments);
    }
    const target = await other.raw(1);
    expect(await target.walk(0x0, 0x4)).toBe('done');
    expect(await target.load(stream)).toBe('done');
    expect(await target.set(0x0)).toBe('done');
    await expectSilentMonitor(other);
  }
});

const reading = (offset: number, width: number) => async (raw: RawDevice) => {
  const answer = await raw.get(offset, width);
  return typeof answer === 'string' ? answer : 'done';
};

describe('D-28: a fault can be raised', () => {
  test.each<[string, 'read-fault' | 'write-fault', string, number, (raw: RawDevice) => Promise<string>]>([
    ['while saving', 'read-fault', 'device_state', 0x3, reading(FIELD.state, 4)],
    ['while saving', 'write-fault', 'device_state', 0x3, (raw) => raw.put(FIELD.state, 0x1, 4)],
    ['while saving', 'read-fault', 'pending_bytes', 0x3, reading(FIELD.pending, 8)],
    ['while saving', 'read-fault', 'data_offset', 0x3, reading(FIELD.offset, 8)],
    ['while saving', 'read-fault', 'data_size', 0x3, reading(FIELD.size, 8)],
    ['while saving', 'read-fault', 'data', 0x3, reading(DATA, 8)],
    ['while resuming', 'read-fault', 'data_offset', 0x4, reading(FIELD.offset, 8)],
    ['while resuming', 'write-fault', 'data_size', 0x4, (raw) => raw.put(FIELD.size, 64, 8)],
    ['while resuming', 'write-fault', 'data', 0x4, (raw) => raw.put(DATA, 0, 8)],
  ])('D-28: %s by a %s of %s', async (_, kind, register, state, access) => {
    const index = bench.take();
    const raw = await bench.raw(index);
    expect(await raw.walk(...(state === 0x3 ? [0x3] : [0x0, 0x4]))).toBe('done');
    await bench.fault(index, kind, { register, errno: 'EFAULT', count: 1 });
    expect(await access(raw)).toBe('EFAULT');
    expect(await access(raw)).not.toBe('EFAULT');
    await bench.items(); // the accesses are out of turn
  });
});
