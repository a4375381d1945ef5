/** Four devices that send to each other move as one set from guest to guest. */
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { eventually } from '../../support/managed-process.ts';
import { deviceRow } from '../matrix/rows.ts';
import { Stand } from '../matrix/stand.ts';
import { sail } from '../matrix/streams.ts';
import { connectGuests } from '../rig/guests.ts';
import type { Guests } from '../rig/guests.ts';
import { KernelPair } from './pair.ts';
import { expectIdle, expectTraffic, startTraffic } from './traffic.ts';
import { countsBeside } from './workloads.ts';

const PATIENCE_MS = 900_000;
/** A transaction is under way for so long that a set which is stopped one by one must lose some. */
const BUSY = { link_us: 20_000, traffic_us: 5000 };

let guests: Guests;

beforeAll(async () => {
  guests = await connectGuests();
});

afterEach(async () => {
  for (const guest of guests.all) expect(await guest.complaints()).toEqual([]);
});

afterAll(async () => {
  await guests[Symbol.asyncDispose]();
});

test.each(['v1+NDMA own', 'v2 own'])(
  'V1-26, V1-27, V1-56, V2-21, V2-22: four devices of %s with peer traffic move there and lose nothing',
  async (name) => {
    const row = deviceRow(name);
    const options = { row, devices: 4, workload: countsBeside, source: BUSY, target: BUSY };
    await using pair = await KernelPair.start(guests.group, guests.cdev, options);
    await startTraffic(pair.source);
    const target = pair.target.own(0);
    await target.write('trail', 0);
    await pair.apply('set');
    const status = await pair.moved('set');
    const orders = (await target.read('trail')).split('\n').map((line) => line.split(' ')[2]);
    expect(orders.indexOf('Reset')).toBe(0);
    expect(orders).toContain('Resuming');
    expect(status.devices).toHaveLength(4);
    await pair.explained(() => expectTraffic(pair.target));
    await expectIdle(pair.source);
  },
  PATIENCE_MS,
);

test(
  'V1-26, V2-21: four devices that are stopped one after the other lose what the others still send',
  async () => {
    await using stand = await Stand.make(guests.cdev, 'cdev', deviceRow('v1+NDMA own'), {
      count: 4,
      options: BUSY,
    });
    const devices = await Promise.all(stand.devices.map((device) => stand.open(device)));
    const owns = stand.devices.flatMap(({ own }) => own ?? []);
    const ids = await Promise.all(owns.map((own) => own.read('id')));
    for (const [index, own] of owns.entries()) {
      await own.write('peer', ids.filter((_, other) => other !== index).join(' '));
      await own.write('traffic', 1);
    }
    const sum = async (counter: string): Promise<number> =>
      (await Promise.all(owns.map((own) => own.counters()))).reduce(
        (total, found) => total + (found[counter] ?? 0),
        0,
      );
    await eventually('traffic', PATIENCE_MS, async () => ((await sum('received')) > 40 ? true : null));
    expect(await sum('lost')).toBe(0);
    // The barrier is left out: each is stopped as soon as it is quiet itself.
    for (const device of devices) await sail(device, 'RunningP2P', 'Stop');
    expect(await sum('lost')).toBeGreaterThan(0);
  },
  PATIENCE_MS,
);
