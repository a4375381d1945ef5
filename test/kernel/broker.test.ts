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
import { GuestProcess } from './voyage/guest-process.ts';
import { drivesDevice, exampleWorkload } from './voyage/workloads.ts';
import { createMdev, mdevFolder, PARENTS, removeMdev } from './rig/vfio.ts';

const PATIENCE_MS = 300_000;
/** The example workload, where the cache does not have it. */
const BUILD_MS = 60 * 60_000;

let guests: Guests;
let program: string;

beforeAll(async () => {
  guests = await connectGuests();
  program = await exampleWorkload();
}, BUILD_MS);

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

test.each(['group', 'cdev'] as const)(
  'a broker that is started anew knows who holds its device, and unmaps the memory of a dead workload (%s)',
  async (door) => {
    const guest = guests[door];
    const uuid = await createMdev(guest, row.parent, row.type);
    const place = `/run/broker-test-${door}`;
    await guest.shell(`mkdir -p ${place}`);
    const options = {
      devices: { nic: uuid },
      interface: door,
      workload: { name: 'trainer', socket: `${place}/workload.sock` },
    };
    const status = `${place}/status.json`;
    const argv = drivesDevice(program)({
      hook: `${place}/hook.sock`,
      brokerSocket: options.workload.socket,
      devices: ['nic'],
      incoming: false,
      statusFile: status,
    });
    {
      await using first = await startBroker(guest, options);
      const workload = await GuestProcess.start(guest, argv, `${place}/workload.txt`);
      await eventually('the workload at work', PATIENCE_MS, async () => {
        const report = JSON.parse(await guest.read(status).catch(() => '{}')) as { received?: unknown };
        return Number(report.received ?? 0) > 0 ? true : null;
      });
      await using device = await openRemote(guest.control, {
        by: 'openBrokered',
        args: [first.socket, 'nic', { timeoutMs: 60_000 }],
      });
      await guest.control.call('kill', { pid: first.pid, signal: 'SIGKILL' });
      await guest.control.call('wait', { pid: first.pid, timeoutMs: PATIENCE_MS }, PATIENCE_MS);
      await using second = await startBroker(guest, { ...options, after: first });
      const [taken] = await second.info();
      expect(taken).toMatchObject({ opens: 1, resets: 0, holdersKnown: true });
      const roles = new Map(taken?.holders.map(({ pid, role }) => [pid, role]));
      const { pid: agent } = await guest.control.call('ping', {});
      expect(roles).toEqual(
        new Map([
          [agent, 'agent'],
          [workload.pid, 'workload'],
        ]),
      );
      await device.reset();
      expect(await guest.read(second.logFile)).not.toContain('memory');
      await workload.end();
      await device.reset();
      expect(await guest.read(second.logFile)).toContain('nic: memory of the last workload unmapped');
    }
    await removeMdev(guest, uuid);
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
