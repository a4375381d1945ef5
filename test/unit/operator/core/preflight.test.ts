import { describe, expect, test } from '@jest/globals';
import type { DeviceDescription } from '@transship/node-agent/contract';
import { checkPairs, checkSide, checkWhole } from '@transship/operator/core';

const UID = 'a-migration';

const device = (id: string, change: Partial<DeviceDescription> = {}): DeviceDescription => ({
  id,
  protocol: 'v1',
  vendorId: 0x10de,
  deviceId: 0x2330,
  subsystemVendorId: 0x10de,
  subsystemId: 0x16c1,
  revisionId: 0xa1,
  driver: 'a-driver',
  firmware: '1.2',
  p2p: true,
  preCopy: true,
  resetSupported: true,
  regionSize: 1 << 20,
  dataWindowSize: 1 << 19,
  state: 'Running',
  health: 'Healthy',
  reason: '',
  migrationUid: '',
  notMigratable: '',
  code: '',
  workload: '',
  interface: 'vfio-user',
  dmaLogging: false,
  migrationFlags: 0,
  ...change,
});

const PAIR = ['a/0', 'a/1'] as const;

/** Both devices of a side, the second as given. */
const side = (second: Partial<DeviceDescription>): ReturnType<typeof checkSide> =>
  checkSide(PAIR, [device('a/0'), device('a/1', second)], UID);

describe('a side before anything is touched', () => {
  test('of fit devices passes', () => {
    expect(side({})).toBeNull();
  });

  const unfit: readonly [string, Partial<DeviceDescription>, string][] = [
    ['a device in quarantine', { health: 'Quarantined', reason: 'its RESET failed' }, 'DeviceNotMigratable'],
    ['a device that does not answer', { health: 'Unreachable', reason: 'no socket' }, 'DeviceUnreachable'],
    [
      'a device without a migration protocol',
      { notMigratable: 'has no migration region' },
      'DeviceNotMigratable',
    ],
    ['a device of another migration', { migrationUid: 'another' }, 'DeviceBusy'],
    ['V1-12: a device without VFIO_DEVICE_RESET', { resetSupported: false }, 'ResetUnsupported'],
    ['V1-25, V2-22: a device of a set without NDMA', { p2p: false }, 'NoPeerToPeerQuiesce'],
    [
      'a device that is held by a virtual machine monitor',
      { notMigratable: 'is held by crosvm', code: 'OwnedByVmm' },
      'OwnedByVmm',
    ],
    [
      'a device on plain vfio-pci, of which no facts are known',
      { protocol: '', resetSupported: false, p2p: false, notMigratable: 'none', code: 'DeviceNotMigratable' },
      'DeviceNotMigratable',
    ],
    [
      'a device that another process has opened',
      { health: 'Unreachable', reason: 'busy', code: 'DeviceHeld' },
      'DeviceHeld',
    ],
    [
      'a device whose trouble only a newer agent has a word for',
      { health: 'Unreachable', reason: 'odd', code: 'FromTheFuture' },
      'DeviceUnreachable',
    ],
    ['V1-14: a device that is not Running', { state: 'Stop' }, 'DeviceNotRunning'],
    ['V1-14: a device of which nothing is known', { state: 'Unknown' }, 'DeviceNotRunning'],
  ];

  test.each(unfit)('with %s is refused by name', (_, second, code) => {
    expect(side(second)).toMatchObject({ code, device: 'a/1' });
  });

  test('with a device that its agent does not know is refused by name', () => {
    expect(checkSide(PAIR, [device('a/0')], UID)).toMatchObject({ code: 'DeviceNotFound', device: 'a/1' });
  });

  test('V1-25: of a lone device without NDMA passes', () => {
    expect(checkSide(['a/0'], [device('a/0', { p2p: false })], UID)).toBeNull();
  });

  test('a device that this migration holds may be anywhere: a restarted operator finds its own', () => {
    expect(side({ migrationUid: UID, state: 'StopCopy' })).toBeNull();
    expect(side({ migrationUid: UID, resetSupported: false })).toMatchObject({ code: 'ResetUnsupported' });
  });

  test('the first device that is unfit is the one that is told', () => {
    const both = [device('a/0', { p2p: false }), device('a/1', { resetSupported: false })];
    expect(checkSide(PAIR, both, UID)).toMatchObject({ code: 'NoPeerToPeerQuiesce', device: 'a/0' });
  });
});

describe('a set before anything is touched', () => {
  const node = ['a/0', 'a/1', 'a/2', 'a/3'].map((id, index) =>
    device(id, { workload: index < 2 ? 'trainer' : index === 2 ? 'other' : '' }),
  );

  test('of all devices of its workload passes, and so does one of no named workload', () => {
    expect(checkWhole(['a/1', 'a/0'], node)).toBeNull();
    expect(checkWhole(['a/2'], node)).toBeNull();
    expect(checkWhole(['a/3'], node)).toBeNull();
    expect(checkWhole(['a/0', 'a/1', 'a/2'], node)).toBeNull();
  });

  test('that leaves out a device of its workload is refused, and the message names it', () => {
    expect(checkWhole(['a/0'], node)).toMatchObject({ code: 'SetIncomplete', device: 'a/1' });
    expect(checkWhole(['a/0', 'a/2'], node)?.message).toContain('a/1');
  });
});

describe('a pair of devices (V1-21)', () => {
  const pair = (target: Partial<DeviceDescription>): ReturnType<typeof checkPairs> =>
    checkPairs([device('a/0')], [device('b/0', target)]);

  test('of one model, driver, firmware and region passes', () => {
    expect(pair({})).toBeNull();
  });

  const unfit: readonly [string, Partial<DeviceDescription>, string][] = [
    ['another protocol', { protocol: 'v2' }, 'ProtocolMismatch'],
    ['another vendor', { vendorId: 1 }, 'ModelMismatch'],
    ['another device id', { deviceId: 1 }, 'ModelMismatch'],
    ['another subsystem vendor', { subsystemVendorId: 1 }, 'ModelMismatch'],
    ['another subsystem', { subsystemId: 1 }, 'ModelMismatch'],
    ['another revision', { revisionId: 1 }, 'ModelMismatch'],
    ['another driver', { driver: 'other' }, 'ModelMismatch'],
    ['another firmware', { firmware: '1.3' }, 'ModelMismatch'],
    ['other migration flags', { migrationFlags: 1 }, 'ModelMismatch'],
    ['another region size', { regionSize: 1 << 21 }, 'RegionSizeMismatch'],
    [
      'V1-52: a smaller window than the segments of the source',
      { dataWindowSize: 1 << 18 },
      'RegionSizeMismatch',
    ],
  ];

  test.each(unfit)('%s is refused by name', (_, target, code) => {
    expect(pair(target)).toMatchObject({ code, device: 'b/0' });
  });

  test('V1-52: a larger window takes every segment', () => {
    expect(pair({ dataWindowSize: 1 << 20 })).toBeNull();
  });

  test('devices are paired by their place in the set', () => {
    const source = [device('a/0'), device('a/1', { deviceId: 7 })];
    const target = [device('b/0'), device('b/1', { deviceId: 7 })];
    expect(checkPairs(source, target)).toBeNull();
    expect(checkPairs(source, target.toReversed())).toMatchObject({ code: 'ModelMismatch', device: 'b/1' });
  });

  test('v2 devices of equal driver and flags pass, whatever their regions', () => {
    const v2 = { protocol: 'v2', regionSize: 0, migrationFlags: 7 };
    expect(checkPairs([device('a/0', v2)], [device('b/0', v2)])).toBeNull();
  });

  test('target devices of several workloads are refused: one workload comes in', () => {
    const source = [device('a/0'), device('a/1')];
    const target = [device('b/0', { workload: 'one' }), device('b/1', { workload: 'two' })];
    expect(checkPairs(source, target)).toMatchObject({ code: 'PairingImpossible' });
    const same = target.map((each) => ({ ...each, workload: 'one' }));
    expect(checkPairs(source, same)).toBeNull();
  });

  test('a device without a pair is refused', () => {
    expect(checkPairs([device('a/0'), device('a/1')], [device('b/0')])).toMatchObject({
      code: 'PairingImpossible',
    });
  });
});
