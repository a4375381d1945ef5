/**
 * Devices that fail in the middle of a migration between the guests: it ends with the code of what went wrong, the set
 * runs again at the source with nothing lost, and the devices of the target are reset.
 */
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { eventually } from '../../support/managed-process.ts';
import { deviceRow } from '../matrix/rows.ts';
import { connectGuests } from '../rig/guests.ts';
import type { Guests } from '../rig/guests.ts';
import { KernelPair } from './pair.ts';
import { expectIdle, expectTraffic, startTraffic } from './traffic.ts';
import { countsBeside } from './workloads.ts';

const PATIENCE_MS = 900_000;
const BUSY = { link_us: 5000, traffic_us: 10_000 };

interface Row {
  readonly what: string;
  readonly side: 'source' | 'target';
  /** Of test/kernel/module/faults.c. */
  readonly fault: string;
  readonly code: string;
}

const ROWS: readonly Row[] = [
  { what: 'ends its stream too early', side: 'source', fault: 'truncate 4 1', code: 'LoadRejected' },
  { what: 'alters a byte of its stream', side: 'source', fault: 'corrupt 4 1', code: 'LoadRejected' },
  {
    what: 'answers ENODEV to a read of its stream',
    side: 'source',
    fault: 'data_errno ENODEV 1',
    code: 'DeviceError',
  },
  {
    what: 'answers ENODEV to a write of its stream',
    side: 'target',
    fault: 'data_errno ENODEV 1',
    code: 'LoadRejected',
  },
  { what: 'refuses to become quiet', side: 'source', fault: 'refuse RunningP2P EBUSY', code: 'ArcFailed' },
  {
    what: 'enters ERROR when it is to load',
    side: 'target',
    fault: 'error Resuming EIO 1',
    code: 'DeviceError',
  },
];

let guests: Guests;
let pair: KernelPair | null = null;

beforeAll(async () => {
  guests = await connectGuests();
});

afterEach(async () => {
  for (const guest of guests.all) expect(await guest.complaints()).toEqual([]);
});

afterAll(async () => {
  await pair?.[Symbol.asyncDispose]();
  await guests[Symbol.asyncDispose]();
});

/** A set at work and an idle node; built anew after a test that failed. */
async function ready(): Promise<KernelPair> {
  if (pair !== null) return pair;
  const options = {
    row: deviceRow('v2 own'),
    devices: 2,
    workload: countsBeside,
    source: BUSY,
    target: BUSY,
  };
  pair = await KernelPair.start(guests.group, guests.cdev, options);
  await startTraffic(pair.source);
  return pair;
}

test.each(ROWS.map((row, index) => ({ ...row, index })))(
  'V1-57, V2-26: a device of the $side that $what: $code',
  async ({ side, fault, code, index }) => {
    const both = await ready();
    try {
      await both[side].own(1).fault(fault);
      const name = `bad-${index}`;
      await both.apply(name, { mode: 'StopCopy' }, { recovery: { retries: 0 } });
      const status = await both.ended(name);
      await both[side].own(1).fault('none');
      await both.explained(async () => {
        expect({ phase: status.phase, error: status.error }).toMatchObject({
          phase: 'Failed',
          error: { code },
        });
        await expectTraffic(both.source);
        await eventually('an idle target', PATIENCE_MS, () =>
          expectIdle(both.target).then(
            () => true,
            () => null,
          ),
        );
      });
    } catch (error) {
      await pair?.[Symbol.asyncDispose]();
      pair = null;
      throw error;
    }
  },
  PATIENCE_MS,
);

test(
  'V1-14: a set with a device that does not run is refused before anything is touched',
  async () => {
    const both = await ready();
    const device = both.source.own(1);
    await device.write('state', 'Stop');
    await both.target.own(1).write('trail', 0);
    await both.apply('stopped');
    const status = await both.ended('stopped');
    await device.write('state', 'Running');
    expect(status).toMatchObject({ phase: 'Rejected', error: { code: 'DeviceNotRunning' } });
    expect(await both.target.own(1).read('trail')).toBe('');
  },
  PATIENCE_MS,
);

test(
  'V1-21: a set is not sent to devices of another model',
  async () => {
    await pair?.[Symbol.asyncDispose]();
    pair = null;
    const options = {
      row: deviceRow('v1+NDMA own'),
      devices: 1,
      workload: countsBeside,
      target: { device_id: 0x1111 },
    };
    await using both = await KernelPair.start(guests.group, guests.cdev, options);
    await both.apply('other-model');
    const status = await both.ended('other-model');
    expect(status).toMatchObject({ phase: 'Rejected', error: { code: 'ModelMismatch' } });
    expect(await both.target.own(0).read('trail')).toBe('');
  },
  PATIENCE_MS,
);
