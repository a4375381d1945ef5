import { describe, expect, test } from '@jest/globals';
import { systemClock } from '@transship/node-agent/internal/clock';
import { AfterReset, UNKNOWN_STOP_COPY_BYTES } from '@transship/node-agent/internal/device/port';
import { VfioDevice } from '@transship/node-agent/internal/device/vfio-device';
import { vfioUserDoor } from '@transship/node-agent/internal/device/vfio-user-door';
import { FACTS, FakeHardware, FakeOpenDevice, nativeError } from '../support/fake-open-device.ts';

function deviceOf(hardware: FakeHardware): VfioDevice {
  const open = () => Promise.resolve(new FakeOpenDevice(hardware));
  const incarnation = { read: (opens: number, resets: number) => Promise.resolve(`${opens}/${resets}`) };
  return new VfioDevice({ id: 'a/0', door: vfioUserDoor(open, incarnation), clock: systemClock });
}

const MASTER = 0x0004;
const MEMORY_AND_MASTER = 0x0006;
const MSIX_ENABLED = 0x8000;

describe('a device', () => {
  test('V2-36: enters Resuming without bus mastering, and gets it with its externals', async () => {
    const hardware = new FakeHardware();
    const source = new FakeHardware();
    Object.assign(source, { command: MEMORY_AND_MASTER, msixControl: MSIX_ENABLED });
    hardware.command = MEMORY_AND_MASTER;
    hardware.state = 'Stop';
    const device = deviceOf(hardware);
    await device.arc('Resuming');
    expect(hardware.happened).toContain('arc Resuming at command 2');
    expect(hardware.command & MASTER).toBe(0);
    await device.writeExternals(await deviceOf(source).readExternals());
    expect([hardware.command, hardware.msixControl]).toEqual([MEMORY_AND_MASTER, MSIX_ENABLED]);
  });

  test('V2-36: keeps bus mastering over every other arc', async () => {
    const hardware = new FakeHardware();
    hardware.command = MEMORY_AND_MASTER;
    const device = deviceOf(hardware);
    for (const to of ['PreCopy', 'PreCopyP2P', 'StopCopy', 'Stop', 'RunningP2P'] as const) {
      await device.arc(to);
      expect(hardware.command).toBe(MEMORY_AND_MASTER);
    }
  });

  test('V2-27: has after a RESET on the way back what was read of it before', async () => {
    const hardware = new FakeHardware();
    Object.assign(hardware, { command: MEMORY_AND_MASTER, msixControl: MSIX_ENABLED });
    const device = deviceOf(hardware);
    const before = await device.readExternals();
    expect(await device.reset(before)).toBe('1/1');
    expect([hardware.command, hardware.msixControl]).toEqual([MEMORY_AND_MASTER, MSIX_ENABLED]);
    await device.reset(null);
    expect([hardware.command, hardware.msixControl]).toEqual([0, 0]);
  });

  test('V2-27: is lost, and another than before, when what it had cannot be restored after its RESET', async () => {
    const failed = deviceOf(new FakeHardware()).reset(Buffer.from('no externals'));
    await expect(failed).rejects.toBeInstanceOf(AfterReset);
    await expect(failed).rejects.toMatchObject({
      failure: { code: 'DeviceStateLost' },
      state: 'Running',
      incarnation: '1/1',
    });
  });

  test('is lost when nobody can tell its incarnation after its RESET', async () => {
    const open = () => Promise.resolve(new FakeOpenDevice(new FakeHardware()));
    const door = vfioUserDoor(open, { read: () => Promise.reject(new Error('nobody knows')) });
    const failed = new VfioDevice({ id: 'a/0', door, clock: systemClock }).reset(null);
    await expect(failed).rejects.toBeInstanceOf(AfterReset);
    await expect(failed).rejects.toMatchObject({ failure: { code: 'DeviceStateLost' }, incarnation: '' });
  });

  test('V2-16: that has left pre-copy when it is asked what waits has no such information', async () => {
    const hardware = new FakeHardware();
    hardware.precopy = () => Promise.reject(nativeError('TRANSSHIP_NOT_SAVING'));
    expect(await deviceOf(hardware).precopyInfo()).toBeNull();
    hardware.precopy = () => Promise.reject(nativeError('TRANSSHIP_ACCESS_FAILED'));
    await expect(deviceOf(hardware).precopyInfo()).rejects.toMatchObject({
      failure: { code: 'DeviceError' },
    });
  });

  test('V2-18: tells what it gives only once it is stopped', async () => {
    const hardware = new FakeHardware();
    hardware.stopCopySize = () => Promise.resolve(12_345);
    expect(await deviceOf(hardware).stopCopyBytes()).toBe(12_345);
    hardware.facts = { ...FACTS, protocol: 'v1' };
    expect(await deviceOf(hardware).stopCopyBytes()).toBe(0);
  });

  test.each([
    ['does not tell', () => Promise.resolve(null)],
    ['fails to tell', () => Promise.reject(nativeError('TRANSSHIP_ACCESS_FAILED'))],
  ])('V2-19: counts as huge when it %s', async (_what, stopCopySize) => {
    const hardware = new FakeHardware();
    hardware.stopCopySize = stopCopySize;
    expect(await deviceOf(hardware).stopCopyBytes()).toBe(UNKNOWN_STOP_COPY_BYTES);
  });
});
