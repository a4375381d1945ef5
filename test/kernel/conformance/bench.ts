/** Devices of the project's module for tests of one rule each. */
import { expect } from '@jest/globals';
import type { Guest } from '../rig/guest.ts';
import type { OwnDevice, OwnOptions } from '../rig/own-device.ts';
import type { RemoteDevice } from '../rig/remote-device.ts';
import { deviceRow } from '../matrix/rows.ts';
import { Stand } from '../matrix/stand.ts';
import { collect, give, sail } from '../matrix/streams.ts';

/** One device: what its user has, and what the module says of it behind the user's back. */
export interface Bench extends AsyncDisposable {
  readonly device: RemoteDevice;
  readonly own: OwnDevice;
  readonly stand: Stand;
  /** What was asked of the device since this was last called, as `FROM>ASKED=NOW`. */
  orders(): Promise<string[]>;
  /** How many data descriptors the process of the user has open. */
  dataFiles(): Promise<number>;
}

export async function bench(guest: Guest, protocol: 'v1' | 'v2', options: OwnOptions = {}): Promise<Bench> {
  const row = deviceRow(protocol === 'v1' ? 'v1+NDMA own' : 'v2 own');
  const stand = await Stand.make(guest, 'cdev', row, { count: 1, options });
  const { own } = stand.source;
  if (own === null) throw new Error('this row has no device of the module');
  const device = await stand.open(stand.source);
  const orders = async (): Promise<string[]> => {
    const trail = await own.read('trail');
    await own.write('trail', 0);
    const lines = trail.split('\n').filter((line) => line !== '');
    return lines.map((line) => {
      const [, from, asked, now] = line.split(' ');
      return `${from}>${asked}=${now}`;
    });
  };
  await orders();
  const { pid } = await guest.control.call('ping', {});
  return {
    device,
    own,
    stand,
    orders,
    dataFiles: async () => {
      const files = await guest.shell(`ls -l /proc/${pid}/fd 2>/dev/null || true`);
      return files.split('\n').filter((line) => line.includes('[transship-migration]')).length;
    },
    [Symbol.asyncDispose]: () => stand[Symbol.asyncDispose](),
  };
}

/** Loads segments into a fresh device, which must take them for the whole state of the other. */
export async function expectLoads(guest: Guest, source: Bench, segments: readonly Buffer[]): Promise<void> {
  await using target = await bench(guest, source.stand.row.protocol, source.stand.row.options);
  await sail(target.device, 'RunningP2P', 'Stop', 'Resuming');
  await give(target.device, segments);
  await target.device.arc('Stop');
  expect(await target.own.digest()).toBe(await source.own.digest());
}

/** Brings a running device to StopCopy and collects its stream. */
export async function wholeStream({ device }: Bench): Promise<Buffer[]> {
  await sail(device, 'RunningP2P', 'Stop', 'StopCopy');
  const { segments, ended } = await collect(device);
  expect(ended).toBe(true);
  return segments;
}
