/** The broker in a guest: who holds what, devices of running processes, and devices that come and go. */
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { eventually } from '../support/managed-process.ts';
import { deviceRow } from './matrix/rows.ts';
import { collect, sail, stopAndSave } from './matrix/streams.ts';
import { refused, withCode } from './outcome.ts';
import { startBroker } from './rig/broker.ts';
import { startDriver } from './rig/driver.ts';
import { connectGuests } from './rig/guests.ts';
import type { Guests } from './rig/guests.ts';
import { OwnDevice } from './rig/own-device.ts';
import { openRemote } from './rig/remote-device.ts';
import { createMdev, mdevFolder, PARENTS, removeMdev } from './rig/vfio.ts';

const PATIENCE_MS = 300_000;

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

const row = deviceRow('v2 own');

test.each(['group', 'cdev'] as const)(
  'a device that a process has opened by its %s is taken from it, and outlives it in its state',
  async (door) => {
    const guest = guests[door];
    const uuid = await createMdev(guest, row.parent, row.type);
    const own = new OwnDevice(guest, uuid);
    await own.set(row.options);
    {
      await using driver = await startDriver(guest);
      const args = [uuid, { interface: door, timeoutMs: 60_000 }];
      const held = await openRemote(driver.control, { by: 'openKernel', args });
      await stopAndSave(held);
      const digest = await own.digest();
      await using broker = await startBroker(guest, { devices: { taken: uuid }, process: driver.pid });
      await driver.kill();
      await using device = await openRemote(guest.control, {
        by: 'openBrokered',
        args: [broker.socket, 'taken', { timeoutMs: 60_000 }],
      });
      expect(await device.state()).toBe('StopCopy');
      await device.arc('Stop');
      expect(await own.digest()).toBe(digest);
      await device.arc('StopCopy');
      expect((await collect(device)).ended).toBe(true);
      expect((await own.counters())['opens']).toBe(1);
    }
    await removeMdev(guest, uuid);
  },
  PATIENCE_MS,
);

test(
  'a device that is unplugged is let go of, and opened again when it is back',
  async () => {
    const guest = guests.cdev;
    const uuid = await createMdev(guest, row.parent, row.type);
    {
      await using broker = await startBroker(guest, { devices: { nic: uuid } });
      const [before] = await broker.info();
      await removeMdev(guest, uuid);
      await eventually(
        'the device is gone',
        PATIENCE_MS,
        async () => ((await broker.info())[0]?.error ?? null) && true,
      );
      const gone = { by: 'openBrokered', args: [broker.socket, 'nic', { timeoutMs: 1000 }] } as const;
      expect(await refused(openRemote(guest.control, gone))).toMatchObject(
        withCode('TRANSSHIP_DEVICE_NOT_FOUND'),
      );
      await guest.write(`${PARENTS[row.parent].types}/${row.type}/create`, uuid);
      const after = await eventually('the device is back', PATIENCE_MS, async () => {
        const [found] = await broker.info();
        return found?.error === null ? found : null;
      });
      // Whoever held its state knows by this that it is lost.
      expect(after).toMatchObject({ instance: before?.instance, opens: (before?.opens ?? 0) + 1 });
    }
    await removeMdev(guest, uuid);
    expect((await guest.exec(['test', '-e', mdevFolder(uuid)])).code).toBe(1);
  },
  PATIENCE_MS,
);

test(
  'resets are counted, and a name that the broker does not have is not found',
  async () => {
    const guest = guests.group;
    const uuid = await createMdev(guest, row.parent, row.type);
    {
      await using broker = await startBroker(guest, { devices: { nic: uuid }, interface: 'group' });
      await using device = await openRemote(guest.control, {
        by: 'openBrokered',
        args: [broker.socket, 'nic', { timeoutMs: 60_000 }],
      });
      await sail(device, 'RunningP2P', 'Stop');
      await device.reset();
      const [info] = await broker.info();
      expect(info).toMatchObject({
        name: 'nic',
        interface: 'group',
        driver: 'transship_mdev',
        resets: 1,
        error: null,
      });
      expect(info?.holders).toMatchObject([{ role: 'agent' }]);
      const unknown = { by: 'openBrokered', args: [broker.socket, 'other', { timeoutMs: 1000 }] } as const;
      expect(await refused(openRemote(guest.control, unknown))).toMatchObject(
        withCode('TRANSSHIP_DEVICE_NOT_FOUND'),
      );
    }
    await removeMdev(guest, uuid);
  },
  PATIENCE_MS,
);
