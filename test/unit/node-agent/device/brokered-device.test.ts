import { describe, expect, test } from '@jest/globals';
import { systemClock } from '@transship/node-agent/internal/clock';
import type { Clock } from '@transship/node-agent/internal/clock';
import { BrokerBook } from '@transship/node-agent/internal/device/broker';
import { BrokerDoor } from '@transship/node-agent/internal/device/broker-door';
import { VfioDevice } from '@transship/node-agent/internal/device/vfio-device';
import { FakeBroker } from '../support/fake-broker.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { nativeError } from '../support/fake-open-device.ts';

const silent = (_facts: object, _message: string): void => undefined;

/** The device of a broker as one agent process has it. */
function deviceOf(broker: FakeBroker, name = 'gpu', clock: Clock = systemClock, warn = silent): VfioDevice {
  const book = new BrokerBook(broker);
  const door = new BrokerDoor(name, { boot: 'boot', client: broker, book, clock, warn });
  return new VfioDevice({ id: `a/${name}`, door, clock });
}

describe('a brokered device', () => {
  test('has the incarnation that the broker tells, and its facts', async () => {
    const device = deviceOf(new FakeBroker());
    expect(await device.observe()).toEqual({ state: 'Running', incarnation: 'boot/broker-1/1/0' });
    expect(device).toMatchObject({ driver: 'mlx5_vfio_pci', interface: 'cdev', trouble: null, unfit: null });
    expect(device.facts).toMatchObject({ protocol: 'v2', dmaLogging: true, migrationFlags: 7 });
  });

  test('is found by the next agent in the state and incarnation that the last one left it in, and not reset', async () => {
    const broker = new FakeBroker();
    const killed = deviceOf(broker);
    await killed.arc('Stop');
    await killed.arc('StopCopy');
    const before = await killed.observe();
    expect(await deviceOf(broker).observe()).toEqual(before);
    expect(before.state).toBe('StopCopy');
    expect(broker.hardware.happened.filter((what) => what.includes('reset'))).toEqual([]);
  });

  test('has another incarnation after a RESET, whoever made it', async () => {
    const broker = new FakeBroker();
    const device = deviceOf(broker);
    expect(await device.reset(null)).toBe('boot/broker-1/1/1');
    broker.resets += 1;
    expect((await device.observe()).incarnation).toBe('boot/broker-1/1/2');
  });

  test('works on as the same without the broker', async () => {
    const broker = new FakeBroker();
    const device = deviceOf(broker);
    const before = await device.observe();
    broker.away = true;
    expect(await device.observe()).toEqual(before);
    await device.arc('Stop');
    expect(broker.hardware.state).toBe('Stop');
    expect(device.trouble).toBeNull();
  });

  test('works on as the same when another broker cannot open what this agent holds', async () => {
    const broker = new FakeBroker();
    const device = deviceOf(broker);
    await device.arc('Stop');
    const before = await device.observe();
    broker.restart();
    expect(broker.error).not.toBeNull();
    expect(await device.observe()).toEqual(before);
    expect(broker.duplicates.map(({ closed }) => closed)).toEqual([false]);
  });

  test('is the same when another broker has taken the duplicate over, and counted by it from then on', async () => {
    const broker = new FakeBroker();
    const device = deviceOf(broker);
    await device.reset(null);
    const before = await device.observe();
    broker.restart();
    expect(await device.observe()).toEqual(before);
    broker.adopt('broker-1', 1, 1);
    expect(await device.observe()).toEqual(before);
    expect(await device.reset(null)).toBe('boot/broker-1/1/2');
    expect(await deviceOf(broker).observe()).toEqual(await device.observe());
  });

  test.each([
    ['bus', [{ device: 'gpu', rung: 'bus' }]],
    ['function', []],
    [undefined, []],
  ] as const)('that was reset by its %s says so where that is news', async (rung, told) => {
    const broker = new FakeBroker();
    broker.resetsBy = rung;
    const warned: object[] = [];
    const device = deviceOf(broker, 'gpu', systemClock, (facts) => warned.push(facts));
    expect(await device.reset(null)).toBe('boot/broker-1/1/1');
    expect(warned).toEqual(told);
  });

  test('is reset when the broker is back', async () => {
    const clock = new ManualClock();
    const broker = new FakeBroker();
    const device = deviceOf(broker, 'gpu', clock);
    await device.observe();
    broker.away = true;
    const reset = device.reset(null);
    await clock.advance(3_000);
    expect(broker.hardware.happened).not.toContain('reset');
    broker.away = false;
    await clock.advance(1_000);
    expect(await reset).toBe('boot/broker-1/1/1');
  });

  test('was reset although the broker went away before it could be asked how', async () => {
    const broker = new FakeBroker();
    const device = deviceOf(broker);
    await device.observe();
    broker.onReset = () => {
      broker.away = true;
    };
    await expect(device.reset(null)).resolves.toEqual(expect.any(String));
    expect(broker.resets).toBe(1);
  });

  test('has failed to reset when the broker stays away', async () => {
    const clock = new ManualClock();
    const broker = new FakeBroker();
    const device = deviceOf(broker, 'gpu', clock);
    await device.observe();
    broker.away = true;
    const outcome = device.reset(null).catch((error: unknown) => error);
    await clock.advance(12_000);
    expect(await outcome).toMatchObject({ failure: { code: 'DeviceUnreachable' }, state: 'Running' });
    expect(broker.hardware.happened).not.toContain('reset');
  });

  test('is let go of and taken anew when the broker has opened another', async () => {
    const broker = new FakeBroker();
    const device = deviceOf(broker);
    await device.observe();
    broker.plugIn();
    expect(await device.observe()).toEqual({ state: 'Running', incarnation: 'boot/broker-1/2/0' });
    expect(broker.duplicates.map(({ closed }) => closed)).toEqual([true, false]);
  });

  test('is let go of when it is unplugged, and told with its code', async () => {
    const broker = new FakeBroker();
    const device = deviceOf(broker);
    await device.observe();
    broker.unplug();
    broker.refusal = nativeError('TRANSSHIP_DEVICE_NOT_FOUND');
    expect((await device.observe()).state).toBe('Unknown');
    expect(broker.duplicates.map(({ closed }) => closed)).toEqual([true]);
    expect((await device.observe()).state).toBe('Unknown');
    expect(device.trouble).toMatchObject({ code: 'DeviceAbsent', device: 'a/gpu' });
    broker.refusal = null;
    broker.plugIn();
    expect(await device.observe()).toEqual({ state: 'Running', incarnation: 'boot/broker-1/2/0' });
    expect(device.trouble).toBeNull();
  });

  test('that is opened anew while it is being duplicated is taken in the next try', async () => {
    const broker = new FakeBroker();
    const device = deviceOf(broker);
    broker.onOpen = () => {
      broker.plugIn();
      broker.onOpen = () => undefined;
    };
    expect((await device.observe()).state).toBe('Unknown');
    expect(await device.observe()).toEqual({ state: 'Running', incarnation: 'boot/broker-1/2/0' });
    expect(broker.duplicates.map(({ closed }) => closed)).toEqual([true, false]);
  });

  test.each([
    ['TRANSSHIP_DEVICE_BUSY', 'DeviceHeld'],
    ['TRANSSHIP_DEVICE_NOT_FOUND', 'DeviceAbsent'],
    ['TRANSSHIP_IOMMU_REFUSED', 'IommuRefused'],
    ['TRANSSHIP_NOT_ALLOWED', 'BrokerRefused'],
    ['TRANSSHIP_CONNECT_TIMEOUT', 'DeviceUnreachable'],
    ['ANYTHING', 'DeviceUnreachable'],
  ])('that cannot be had with %s is in trouble by the code %s', async (native, code) => {
    const broker = new FakeBroker();
    broker.refusal = nativeError(native);
    const device = deviceOf(broker);
    expect(await device.observe()).toEqual({ state: 'Unknown', incarnation: '' });
    expect(device.trouble).toMatchObject({ code, device: 'a/gpu' });
    expect(device.unfit).toBeNull();
  });

  test('that the broker does not know is in trouble by a code of its own', async () => {
    const device = deviceOf(new FakeBroker(), 'another');
    await device.observe();
    expect(device.trouble).toMatchObject({ code: 'BrokerRefused' });
  });

  test('of a broker that does not answer is unreachable, and comes back with it', async () => {
    const broker = new FakeBroker();
    broker.away = true;
    const device = deviceOf(broker);
    expect((await device.observe()).state).toBe('Unknown');
    expect(device.trouble).toMatchObject({ code: 'DeviceUnreachable' });
    broker.away = false;
    expect((await device.observe()).state).toBe('Running');
  });

  test('that a virtual machine monitor holds can be part of no migration, until it ends', async () => {
    const broker = new FakeBroker();
    const device = deviceOf(broker);
    broker.holders = [{ pid: 7, comm: 'qemu-system-x86', role: 'workload' }];
    expect((await device.observe()).state).toBe('Running');
    expect(device.unfit).toMatchObject({ code: 'OwnedByVmm', device: 'a/gpu' });
    broker.holders = [];
    await device.observe();
    expect(device.unfit).toBeNull();
  });

  test('of which the broker cannot tell who holds it can be part of no migration', async () => {
    const broker = new FakeBroker();
    broker.holdersKnown = false;
    const device = deviceOf(broker);
    expect((await device.observe()).state).toBe('Running');
    expect(device.unfit).toMatchObject({ code: 'OwnedByVmm', device: 'a/gpu' });
    expect(device.unfit?.message).toContain('CAP_SYS_PTRACE');
  });

  test('without a migration protocol says so, and is not opened again before something changes', async () => {
    const broker = new FakeBroker();
    broker.driver = 'vfio-pci';
    broker.refusal = nativeError('TRANSSHIP_NOT_MIGRATABLE');
    const device = deviceOf(broker);
    for (let looks = 0; looks < 3; looks += 1) expect((await device.observe()).state).toBe('Unknown');
    expect(broker.asked).toBe(1);
    expect(device.facts).toBeNull();
    expect(device.unfit).toMatchObject({ code: 'DeviceNotMigratable' });
    expect(device.unfit?.message).toContain('vfio-pci');
    Object.assign(broker, { refusal: null, driver: 'mlx5_vfio_pci' });
    broker.plugIn();
    expect((await device.observe()).state).toBe('Running');
    expect(device.unfit).toBeNull();
  });
});
