import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { openVfioUser, type DeviceState, type NativeDevice } from '@transship/native';
import type { EmulatedLink } from '../support/emulator-control.ts';
import { eventually } from '../support/managed-process.ts';
import { startEmulator, type RunningEmulator } from '../support/processes.ts';

let directory: string;
let emulator: RunningEmulator;
let devices: NativeDevice[];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'ts-barrier-'));
  emulator = await startEmulator({
    ...{ directory, node: 'gpu-a', devices: 3, memory: '1M' },
    args: ['--link-latency', '50ms', '--link-rate', '1000'],
  });
  devices = await Promise.all(emulator.sockets.map((socket) => openVfioUser(socket)));
  await linksWhere('traffic', (links) => links.every(({ received }) => received > 10));
  await emulator.control.ask('freeze');
});

afterEach(async () => {
  await Promise.all(devices.map((device) => device.close()));
  await emulator[Symbol.asyncDispose]();
  await rm(directory, { recursive: true });
});

/** Waits for the links to be as wanted. */
const linksWhere = (
  what: string,
  satisfies: (links: readonly EmulatedLink[]) => boolean,
): Promise<readonly EmulatedLink[]> =>
  eventually(what, 60_000, async () => {
    const links = await emulator.control.links();
    return satisfies(links) ? links : null;
  });

const sum = (links: readonly EmulatedLink[], counter: 'lost' | 'gaps' | 'doubles'): number =>
  links.reduce((total, link) => total + link[counter], 0);

const all = (...states: DeviceState[]): Promise<unknown> =>
  Promise.all(
    devices.map(async (device) => {
      for (const state of states) await device.arc(state);
    }),
  );

/** Everything moves again, in the right order, and every receiver has seen what came next. */
async function goOn(): Promise<readonly EmulatedLink[]> {
  await all('RunningP2P');
  await all('Running');
  await emulator.control.ask('thaw');
  const before = await emulator.control.links();
  return linksWhere('more traffic', (links) =>
    links.every(({ received }, index) => received > (before[index]?.received ?? 0) + 1),
  );
}

test('devices that are stopped one after the other lose what their peers still send, and say so', async () => {
  const [first] = devices;
  await first?.arc('RunningP2P');
  await first?.arc('Stop');
  // Its peers are not quiet: what they send from now on finds nobody.
  const links = await linksWhere('a loss', (found) => sum(found, 'lost') > 0);
  expect(links.filter(({ lost }) => lost > 0).every(({ to }) => to === 0)).toBe(true);
  for (const device of devices.slice(1)) {
    await device.arc('RunningP2P');
    await device.arc('Stop');
  }
  const after = await goOn();
  expect(sum(after, 'gaps')).toBeGreaterThan(0);
  expect(sum(after, 'doubles')).toBe(0);
  const broken = await emulator.control.violations();
  // The second is stopped too early as well, the third has nobody left who could send.
  expect(broken.map(({ device, item }) => [device, item])).toEqual([
    [0, 'V1-26'],
    [1, 'V1-26'],
  ]);
});

test('devices that all become quiet before the first is stopped lose nothing', async () => {
  await all('RunningP2P');
  // However long the first is stopped before the last.
  for (const device of devices) {
    await device.arc('Stop');
    await linksWhere('silence', (links) => links.every(({ inFlight }) => inFlight === 0));
  }
  const stopped = await emulator.control.links();
  expect(stopped.some(({ inFlightAtQuiesce }) => inFlightAtQuiesce > 0)).toBe(true);
  const after = await goOn();
  for (const counter of ['lost', 'gaps', 'doubles'] as const) expect(sum(after, counter)).toBe(0);
  expect(await emulator.control.violations()).toEqual([]);
});
