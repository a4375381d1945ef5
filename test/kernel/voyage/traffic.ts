/** Devices of the project's module that send to each other without pause. */
import { expect } from '@jest/globals';
import { eventually } from '../../support/managed-process.ts';
import type { OwnDevice } from '../rig/own-device.ts';
import type { KernelNode } from './node.ts';

const PATIENCE_MS = 300_000;

const devicesOf = (node: KernelNode): OwnDevice[] => node.uuids.map((_, index) => node.own(index));

/** Waits until every device has received more than `than` says. */
async function untilReceived(devices: readonly OwnDevice[], than: readonly number[]): Promise<void> {
  await Promise.all(
    devices.map((device, index) =>
      eventually(`traffic at ${device.uuid}`, PATIENCE_MS, async () =>
        ((await device.counters())['received'] ?? 0) > (than[index] ?? 0) + 5 ? true : null,
      ),
    ),
  );
}

/** Every device sends to every other of the node from now on. */
export async function startTraffic(node: KernelNode): Promise<void> {
  const devices = devicesOf(node);
  const ids = await Promise.all(devices.map((device) => device.read('id')));
  for (const [index, device] of devices.entries()) {
    await device.write('peer', ids.filter((_, other) => other !== index).join(' '));
  }
  for (const device of devices) await device.write('traffic', 1);
  await untilReceived(devices, []);
}

/**
 * The set is at work here: traffic goes on between all devices, and since it began nothing was lost, skipped or
 * doubled. A device that was reset on the way would have forgotten its links.
 */
export async function expectTraffic(node: KernelNode): Promise<void> {
  const devices = devicesOf(node);
  const before = await Promise.all(devices.map(async (device) => (await device.counters())['received'] ?? 0));
  await untilReceived(devices, before);
  const counters = await Promise.all(devices.map((device) => device.counters()));
  for (const found of counters) expect(found).toMatchObject({ lost: 0, gaps: 0, doubles: 0 });
  expect(await Promise.all(devices.map((device) => device.read('state')))).toEqual(
    devices.map(() => 'Running'),
  );
}

/** Nothing of the set is left here. */
export async function expectIdle(node: KernelNode): Promise<void> {
  const devices = devicesOf(node);
  expect(await Promise.all(devices.map((device) => device.read('state')))).toEqual(
    devices.map(() => 'Running'),
  );
  expect(await Promise.all(devices.map((device) => device.read('peer')))).toEqual(devices.map(() => ''));
}
