import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Bench } from './conformance/bench.ts';
import { outcome } from './conformance/outcome.ts';
import { answered, DATA, FIELD, REGION } from './conformance/raw-device.ts';
import type { RawDevice } from './conformance/raw-device.ts';

const ALONE = 44;
const WITHOUT_NDMA = ALONE - 1;
const WITHOUT_RESET = ALONE - 2;

let alone: Bench;
let pairs: Bench;

beforeAll(async () => {
  const lists = ['--no-ndma', `${WITHOUT_NDMA}`, '--no-reset', `${WITHOUT_RESET}`];
  const each = ['--mmap', 'none', '--topology', 'none', '--group', '1'];
  [alone, pairs] = await Promise.all([
    Bench.start({ devices: ALONE, args: [...each, ...lists] }),
    Bench.start({ devices: 10, args: ['--group', '2', '--no-ndma', '0'] }),
  ]);
  pairs.take(2);
});

afterAll(async () => {
  await Promise.all([alone[Symbol.asyncDispose](), pairs[Symbol.asyncDispose]()]);
});

interface Mistake {
  /** Rules that it breaks, `item: what`. */
  readonly rules: readonly string[];
  readonly make: (raw: RawDevice, index: number) => Promise<unknown>;
  /** Default: any device that was not used, with its workload frozen. */
  readonly device?: number;
  readonly thawed?: true;
}

const freeze = (index: number): Promise<unknown> => alone.control.ask('freeze', { group: index });

/** Brings a device to RESUMING as a correct user does. */
async function resume(raw: RawDevice): Promise<void> {
  await raw.native.reset();
  answered(await raw.state());
  expect(await raw.walk(0x0, 0x4)).toBe('done');
}

async function streamOf(raw: RawDevice): Promise<Buffer[]> {
  await raw.native.reset();
  expect(await raw.walk(0x0, 0x2)).toBe('done');
  return raw.segments();
}

/** A fresh device in RESUMING, beside the one of the test. */
async function target(): Promise<RawDevice> {
  const raw = await alone.raw(alone.take());
  await resume(raw);
  return raw;
}

const WINDOW = 64 * 1024;

const mistakes: readonly Mistake[] = [
  {
    rules: ['V1-01: a device-specific region other than the migration region was used as if it were that'],
    make: (raw) => raw.bytes(REGION.vendor, 0, 4),
  },
  {
    rules: ['V1-02: a field was accessed at another width or alignment than its own'],
    make: (raw) => raw.get(FIELD.state, 1),
  },
  {
    rules: ['V1-05: a value that is never valid was written to device_state'],
    make: (raw) => raw.set(0x5),
  },
  {
    rules: [
      'V1-05: a value that is never valid was written to device_state',
      'V1-17: SAVING and RESUMING were written together',
    ],
    make: (raw) => raw.set(0x6),
  },
  {
    rules: ['V1-06: more than one bit of device_state was changed in one write'],
    make: (raw) => raw.set(0x2),
  },
  {
    rules: ['V1-08: after a failed state write something else came before device_state was read again'],
    make: async (raw, index) => {
      await alone.fault(index, 'refuse-arc', { to: '0x3', count: 1 });
      expect(await raw.put(FIELD.state, 0x3, 4)).not.toBe('done');
      await raw.put(FIELD.state, 0x3, 4);
    },
  },
  {
    rules: ['V1-10: in ERROR something else than RESET was tried'],
    make: async (raw, index) => {
      await alone.fault(index, 'error-on-arc', { to: '0x3', count: 1 });
      await raw.set(0x3);
      await raw.put(FIELD.state, 0x1, 4);
    },
  },
  {
    rules: ['V1-11: after RESET the migration region was used before device_state was read'],
    make: async (raw, index) => {
      // The client looks at once; its look fails, so nobody knows where RESET has left the device.
      await alone.fault(index, 'read-fault', { register: 'device_state', count: 1 });
      expect(await outcome(raw.native.reset())).toBe('TRANSSHIP_ACCESS_FAILED');
      await raw.put(FIELD.state, 0x3, 4);
    },
  },
  {
    rules: ['V1-12: a device without RESET was driven through migration states'],
    make: (raw) => raw.set(0x3),
    device: WITHOUT_RESET,
  },
  {
    rules: ['V1-14: device_state was written before it was ever read on this connection'],
    make: async (raw, index) => {
      await alone.control.deviceReset(index); // the monitor starts with a clean sheet
      await raw.put(FIELD.state, 0x3, 4);
    },
  },
  {
    rules: ['V1-15: device memory was accessed while the device is !RUNNING'],
    make: async (raw) => {
      await raw.set(0x0);
      await raw.bytes(REGION.bar0, 0, 8);
    },
  },
  {
    rules: ['V1-15: RUNNING was cleared while the workload still uses the device'],
    make: (raw) => raw.set(0x0),
    thawed: true,
  },
  {
    rules: ['V1-18: the data window was read outside of SAVING and RESUMING'],
    make: (raw) => raw.bytes(REGION.migration, DATA, 8),
  },
  {
    rules: ['V1-19: segments of two saving sessions were given in one resuming session'],
    make: async (raw) => {
      const first = await streamOf(raw);
      expect(await raw.walk(0x0, 0x2)).toBe('done');
      const second = await raw.segments();
      await (await target()).load([first[0]!, second[1]!]);
    },
  },
  {
    rules: ['V1-22: after a refused load something else than RESET was tried'],
    make: async (raw) => {
      await resume(raw);
      expect(await raw.set(0x0)).toBe('EINVAL');
      await raw.set(0xc);
    },
  },
  {
    rules: ['V1-24: NDMA was written to a device without the capability, or before looking for it'],
    make: (raw) => raw.set(0x9),
    device: WITHOUT_NDMA,
  },
  {
    rules: ['V1-31: reserved bits of device_state were changed'],
    make: (raw) => raw.put(FIELD.state, 0x80000003, 4),
  },
  {
    rules: ['V1-40: pending_bytes was read outside of SAVING'],
    make: (raw) => raw.pending(),
  },
  {
    rules: ['V1-41: data_offset was read before pending_bytes had said that there is data'],
    make: async (raw) => {
      await raw.set(0x3);
      await raw.place();
    },
  },
  {
    rules: ['V1-41: data_size was read before data_offset'],
    make: async (raw) => {
      await raw.set(0x3);
      await raw.pending();
      await raw.size();
    },
  },
  {
    rules: ['V1-41: data was read before data_offset and data_size'],
    make: async (raw) => {
      await raw.set(0x3);
      await raw.pending();
      await raw.bytes(REGION.migration, await raw.place(), 8);
    },
  },
  {
    rules: ['V1-43: a committed segment was given up by reading pending_bytes'],
    make: async (raw) => {
      await raw.set(0x3);
      await raw.pending();
      const place = await raw.place();
      const size = await raw.size();
      await raw.bytes(REGION.migration, place, size - 1); // all but the last byte
      await raw.pending();
    },
  },
  {
    rules: ['V1-43: a committed segment was given up by a state write'],
    make: async (raw) => {
      await raw.set(0x3);
      await raw.pending();
      await raw.place();
      await raw.set(0x1);
    },
  },
  {
    rules: ['V1-48: data_offset was read outside of SAVING and RESUMING'],
    make: (raw) => raw.place(),
  },
  {
    rules: ['V1-48: data_size was used outside of SAVING and RESUMING'],
    make: (raw) => raw.size(),
  },
  {
    rules: ['V1-49: data was written before data_offset was read for this segment'],
    make: async (raw) => {
      await resume(raw);
      await raw.put(DATA, 0, 8);
    },
  },
  {
    rules: ['V1-49: data_size was written before data_offset was read for this segment'],
    make: async (raw) => {
      await resume(raw);
      await raw.put(FIELD.size, 64, 8);
    },
  },
  {
    rules: ['V1-49: data_size was written though not all of the segment was'],
    make: async (raw) => {
      await resume(raw);
      await raw.place();
      await raw.put(FIELD.size, 64, 8);
    },
  },
  {
    rules: ['V1-50: a segment was given in another size than it was collected with'],
    make: async (raw) => {
      const [first] = await streamOf(raw);
      await (await target()).load([Buffer.concat([first!, Buffer.alloc(8)])]);
    },
  },
  {
    rules: ['V1-51: segments were given in another order than they were collected in'],
    make: async (raw) => {
      const stream = await streamOf(raw);
      await (await target()).load([stream[0]!, stream[2]!]);
    },
  },
  {
    rules: ['V1-52: a segment larger than the window was written'],
    make: async (raw) => {
      await resume(raw);
      await raw.store(REGION.migration, await raw.place(), Buffer.alloc(WINDOW + 1));
    },
  },
  {
    rules: ['V1-52: data_size said more than the window takes'],
    make: async (raw) => {
      await resume(raw);
      await raw.place();
      await raw.put(FIELD.size, 1 << 20, 8);
    },
  },
  {
    rules: ['V1-54: the data loop went on after an access had been answered with an error'],
    make: async (raw, index) => {
      await alone.fault(index, 'read-fault', { register: 'data_offset', count: 1 });
      await raw.set(0x3);
      await raw.pending();
      expect(await raw.get(FIELD.offset, 8)).toBe('EIO');
      await raw.pending();
    },
  },
  {
    rules: ['V1-56: RESUMING was entered on a device that holds state nobody has reset'],
    make: (raw) => raw.walk(0x0, 0x4),
  },
];

describe('the monitor records', () => {
  test.each(mistakes.map((mistake) => [mistake.rules.join(', '), mistake] as const))(
    '%s',
    async (_, { rules, make, device = alone.take(), thawed = false }) => {
      const raw = await alone.raw(device);
      if (!thawed) await freeze(device);
      await make(raw, device);
      expect(await alone.end()).toEqual(rules);
    },
  );
});

interface SetMistake {
  readonly rules: readonly string[];
  readonly make: (first: RawDevice, second: RawDevice) => Promise<unknown>;
  /** Default: any two that were not used. */
  readonly devices?: readonly [number, number];
}

const setMistakes: readonly SetMistake[] = [
  {
    rules: ['V1-25: a device without NDMA was stopped while it has peers'],
    make: async (first, second) => {
      await second.set(0x9);
      await first.set(0x0);
    },
    devices: [0, 1],
  },
  {
    rules: ['V1-26: a device was stopped while a peer may still do DMA'],
    make: (first) => first.walk(0x9, 0x8),
  },
  {
    rules: ['V1-27: a device was let loose (RUNNING without NDMA) before all its peers run'],
    make: async (first, second) => {
      await stopBoth(first, second);
      await first.walk(0x9, 0x1);
    },
  },
  {
    rules: ['V1-30: RUNNING was set or cleared without NDMA on a device that has it and has peers'],
    make: async (first, second) => {
      await stopBoth(first, second);
      await second.set(0x9);
      await first.set(0x1);
    },
  },
];

async function stopBoth(first: RawDevice, second: RawDevice): Promise<void> {
  for (const nibble of [0x9, 0x8, 0x0]) {
    expect(await first.set(nibble)).toBe('done');
    expect(await second.set(nibble)).toBe('done');
  }
}

describe('of a set, the monitor records', () => {
  test.each(setMistakes.map((mistake) => [mistake.rules.join(', '), mistake] as const))(
    '%s',
    async (_, { rules, make, devices }) => {
      const first = devices?.[0] ?? pairs.take(2);
      await pairs.control.ask('freeze', { group: first / 2 });
      await make(await pairs.raw(first), await pairs.raw(first + 1));
      expect(await pairs.end()).toEqual(rules);
    },
  );
});

test('every rule of the monitor is among them', () => {
  const folder = join(import.meta.dirname, '../../native/emulator');
  const sources = readdirSync(folder).filter((name) => /^rules_.*\.cc$/.test(name));
  const rules = sources.flatMap((name) =>
    [...readFileSync(join(folder, name), 'utf8').matchAll(/Rule\{"(V1-\d\d)",\s*"([^"]+)"/g)].map(
      ([, item, what]) => `${item}: ${what}`,
    ),
  );
  expect(rules.length).toBeGreaterThan(30);
  const seen = new Set([...mistakes, ...setMistakes].flatMap((mistake) => mistake.rules));
  expect(rules.filter((rule) => !seen.has(rule))).toEqual([]);
});
