/** Devices, doors and streams that are not as they should be: each is refused by name and leaves nothing behind. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { openRemote } from './rig/remote-device.ts';
import type { RemoteDevice } from './rig/remote-device.ts';
import type { Guest } from './rig/guest.ts';
import { connectGuests } from './rig/guests.ts';
import type { Guests } from './rig/guests.ts';
import { bindToVfioPci, createMdev, eduDevices, mdevFolder } from './rig/vfio.ts';
import { deviceRow } from './matrix/rows.ts';
import { Stand } from './matrix/stand.ts';
import { collect, give, sail, stopAndSave } from './matrix/streams.ts';
import { refused, withCode } from './outcome.ts';

let guests: Guests;

beforeAll(async () => {
  guests = await connectGuests();
  for (const guest of guests.all) {
    const { alone, shared } = await eduDevices(guest);
    await bindToVfioPci(guest, alone);
    await bindToVfioPci(guest, shared);
  }
});

afterEach(async () => {
  for (const guest of guests.all) expect(await guest.complaints()).toEqual([]);
});

afterAll(async () => {
  await guests[Symbol.asyncDispose]();
});

const doors = ['group', 'cdev'] as const;
type Door = (typeof doors)[number];

const open = (guest: Guest, address: string, door: Door, timeoutMs = 300): Promise<RemoteDevice> =>
  openRemote(guest.control, { by: 'openKernel', args: [address, { interface: door, timeoutMs }] });

describe.each(doors)('through the %s door', (door) => {
  test('a device of plain vfio-pci cannot migrate', async () => {
    const guest = guests[door];
    const { alone } = await eduDevices(guest);
    expect(await refused(open(guest, alone, door))).toMatchObject(withCode('TRANSSHIP_NOT_MIGRATABLE'));
    // It was let go of: whoever comes next is told the same, not that it is busy.
    expect(await refused(open(guest, alone, door))).toMatchObject(withCode('TRANSSHIP_NOT_MIGRATABLE'));
  });

  test('a device whose group has a device of a kernel driver is refused by the IOMMU', async () => {
    const guest = guests[door];
    const { shared } = await eduDevices(guest);
    expect(await refused(open(guest, shared, door))).toMatchObject(withCode('TRANSSHIP_IOMMU_REFUSED'));
  });

  test('an address that no device has is not found', async () => {
    const guest = guests[door];
    for (const address of ['0000:7f:1f.7', '83b8f4f2-509f-382f-3c1e-e6bfe0fa1001', '/sys/bus/pci']) {
      expect(await refused(open(guest, address, door))).toMatchObject(withCode('TRANSSHIP_DEVICE_NOT_FOUND'));
    }
  });

  test('a device that somebody has open is busy, and free when they close it', async () => {
    const guest = guests[door];
    await using stand = await Stand.make(guest, door, deviceRow('v2 own'), { count: 1 });
    const { uuid } = stand.source;
    {
      await using first = await open(guest, uuid, door, 60_000);
      expect(await refused(open(guest, uuid, door))).toMatchObject(withCode('TRANSSHIP_DEVICE_BUSY'));
      expect(await first.state()).toBe('Running');
    }
    await using second = await open(guest, uuid, door, 60_000);
    expect(await second.state()).toBe('Running');
  });

  test('a device that is unplugged in the middle of its stream is lost, and can be let go of', async () => {
    const guest = guests[door];
    const row = deviceRow('v2 own');
    const uuid = await createMdev(guest, row.parent, row.type);
    const device = await open(guest, uuid, door, 60_000);
    await device.reset();
    await stopAndSave(device);
    await device.nextSegment();
    await device.readSegment(16);
    const remove = guest.exec(['sh', '-c', `echo 1 >${mdevFolder(uuid)}/remove`]);
    // The kernel waits for us; the device answers nothing any more.
    const lost = await refused(
      (async () => {
        for (;;) await device.state();
      })(),
    );
    expect(lost).toMatchObject(withCode('TRANSSHIP_CONNECTION_LOST'));
    expect(await refused(device.nextSegment())).toMatchObject({ name: 'GuestError' });
    await device.close();
    expect(await remove).toMatchObject({ code: 0 });
    expect(await refused(open(guest, uuid, door))).toMatchObject(withCode('TRANSSHIP_DEVICE_NOT_FOUND'));
  });
});

test('a device that is open by its group is busy by its character device, and the other way round', async () => {
  await using stand = await Stand.make(guests.cdev, 'cdev', deviceRow('v2 own'), { count: 1 });
  const { uuid } = stand.source;
  for (const [holder, other] of [
    ['group', 'cdev'],
    ['cdev', 'group'],
  ] as const) {
    await using held = await open(guests.cdev, uuid, holder, 60_000);
    expect(await refused(open(guests.cdev, uuid, other))).toMatchObject(withCode('TRANSSHIP_DEVICE_BUSY'));
    expect(await held.state()).toBe('Running');
  }
});

describe('a data descriptor', () => {
  test('that fails with ENODEV because somebody reset the device says so', async () => {
    await using stand = await Stand.make(guests.cdev, 'cdev', deviceRow('v2 own'), { count: 1 });
    const device = await stand.open(stand.source);
    await stopAndSave(device);
    await stand.source.own?.write('reset', 1);
    expect(await refused(collect(device))).toMatchObject(withCode('TRANSSHIP_FOREIGN_STATE_CHANGE'));
    await device.reset();
    expect(await device.state()).toBe('Running');
  });

  test.each(['source', 'target'] as const)(
    'of a %s that fails with ENODEV although the state stands ends the session',
    async (side) => {
      await using stand = await Stand.make(guests.cdev, 'cdev', deviceRow('v2 own'));
      const [source, target] = [await stand.open(stand.source), await stand.open(stand.target)];
      await stand[side].own?.fault('data_errno ENODEV');
      await stopAndSave(source);
      const outcome = (async () => {
        const { segments } = await collect(source);
        await sail(target, 'RunningP2P', 'Stop', 'Resuming');
        await give(target, segments);
      })();
      expect(await refused(outcome)).toMatchObject(withCode('TRANSSHIP_SESSION_FAILED'));
      // The source runs again with what it had, the target is reset.
      await sail(source, 'Stop', 'RunningP2P', 'Running');
      await target.reset();
      expect(await target.state()).toBe('Running');
    },
  );
});

describe('a wrong stream', () => {
  const mtty = deviceRow('v2 mtty');

  test('of another magic is refused by mtty when it is written', async () => {
    await using stand = await Stand.make(guests.cdev, 'cdev', mtty);
    const [source, target] = [await stand.open(stand.source), await stand.open(stand.target)];
    await stopAndSave(source);
    const { segments } = await collect(source);
    const wrong = Buffer.concat(segments);
    wrong[0] = (wrong[0] ?? 0) ^ 0xff;
    await sail(target, 'RunningP2P', 'Stop', 'Resuming');
    expect(await refused(give(target, [wrong]))).toMatchObject({
      ...withCode('TRANSSHIP_ACCESS_FAILED'),
      errno: 'EFAULT',
    });
    await target.reset();
    expect(await target.state()).toBe('Running');
    await sail(source, 'Stop', 'RunningP2P', 'Running');
  });

  test('of another port count is refused by mtty', async () => {
    await using two = await Stand.make(guests.cdev, 'cdev', mtty, { count: 1 });
    await using one = await Stand.make(guests.cdev, 'cdev', { ...mtty, type: 'mtty-1' }, { count: 1 });
    const [source, target] = [await two.open(two.source), await one.open(one.source)];
    await stopAndSave(source);
    const { segments } = await collect(source);
    await sail(target, 'RunningP2P', 'Stop', 'Resuming');
    expect(await refused(give(target, segments))).toMatchObject(withCode('TRANSSHIP_ACCESS_FAILED'));
    await target.reset();
    expect(await target.state()).toBe('Running');
    await sail(source, 'Stop', 'RunningP2P', 'Running');
  });

  test.each(['v2 own', 'v1+NDMA own'])('of another device id is refused by %s', async (name) => {
    const row = deviceRow(name);
    await using stand = await Stand.make(guests.cdev, 'cdev', row, { count: 1 });
    await using other = await Stand.make(guests.cdev, 'cdev', row, {
      count: 1,
      options: { device_id: 0x1111 },
    });
    const [source, target] = [await stand.open(stand.source), await other.open(other.source)];
    await stopAndSave(source);
    const { segments } = await collect(source);
    await sail(target, 'RunningP2P', 'Stop', 'Resuming');
    const loading = (async () => {
      await give(target, segments);
      await target.arc('Stop');
    })();
    expect(await refused(loading)).toMatchObject({
      name: 'GuestError',
      code: expect.stringMatching(/^TRANSSHIP_/),
    });
    await target.reset();
    expect(await target.state()).toBe('Running');
    await sail(source, 'Stop', 'RunningP2P', 'Running');
  });
});

test('devices of earlier tests are gone', async () => {
  for (const guest of guests.all) {
    expect((await guest.shell('ls /sys/bus/mdev/devices')).trim()).toBe('');
  }
});
