import { describe, expect, test } from '@jest/globals';
import { deviceMigrationSpec, deviceMigrationStatus } from '@transship/crds';
import type { DeviceDescription } from '@transship/node-agent/contract';
import type { AgentPort, StoredMigration } from '@transship/operator/internal/reconcile/ports';
import { ExplicitReservation } from '@transship/operator/internal/reservation/explicit';

const { signal } = new AbortController();

function device(id: string, differences: Partial<DeviceDescription> = {}): DeviceDescription {
  return {
    id,
    protocol: 'v1',
    vendorId: 0x10de,
    deviceId: 0x2330,
    subsystemVendorId: 0x10de,
    subsystemId: 1,
    revisionId: 0xa1,
    driver: 'vfio-pci',
    firmware: '1',
    p2p: true,
    preCopy: true,
    resetSupported: true,
    regionSize: 4096,
    dataWindowSize: 2048,
    state: 'Running',
    health: 'Healthy',
    reason: '',
    migrationUid: '',
    notMigratable: '',
    code: '',
    workload: '',
    interface: 'cdev',
    dmaLogging: false,
    migrationFlags: 0,
    ...differences,
  };
}

const SOURCE = [device('gpu-a/0'), device('gpu-a/1')];

function migration(target: { devices?: string[] } = {}): StoredMigration {
  const spec = deviceMigrationSpec.parse({
    source: { nodeName: 'gpu-a', devices: SOURCE.map(({ id }) => id) },
    target: { nodeName: 'gpu-b', ...target },
  });
  return {
    key: { namespace: 'ml', name: 'm' },
    uid: 'uid-1',
    version: '1',
    generation: 1,
    createdAt: new Date(0),
    deletionRequested: false,
    finalizerPresent: true,
    spec: { ok: true, value: spec },
    status: deviceMigrationStatus.parse({}),
  };
}

/** A reservation on a target node whose agent offers these devices. */
function reservationOf(offered: readonly DeviceDescription[]): ExplicitReservation {
  const describe_ = async () => ({ kind: 'devices', devices: offered, transferEndpoint: 'x:1' }) as const;
  const agent = { describe: describe_ } as unknown as AgentPort;
  return new ExplicitReservation({ agent: (name) => (name === 'gpu-b' ? agent : null) });
}

/** Reserves on a target node whose agent offers these devices. */
function reserve(stored: StoredMigration, offered: readonly DeviceDescription[], source = SOURCE) {
  return reservationOf(offered).reserve(stored, source, signal);
}

const reserved = (...ids: string[]) => ({
  kind: 'reserved',
  nodeName: 'gpu-b',
  devices: ids.map((id) => expect.objectContaining({ id })),
  described: expect.anything(),
});

describe('a reservation with explicit pairing', () => {
  test('takes the named devices in the order given, whatever they are: preflight judges them', async () => {
    const offered = [device('gpu-b/0'), device('gpu-b/1', { deviceId: 7 }), device('gpu-b/2')];
    const stored = migration({ devices: ['gpu-b/2', 'gpu-b/1'] });
    expect(await reserve(stored, offered)).toEqual(reserved('gpu-b/2', 'gpu-b/1'));
  });

  test('is refused when the node has no such device', async () => {
    const stored = migration({ devices: ['gpu-b/2', 'gpu-b/9'] });
    expect(await reserve(stored, [device('gpu-b/2')])).toMatchObject({
      kind: 'refused',
      failure: { code: 'DeviceNotFound', device: 'gpu-b/9' },
    });
  });
});

describe('a reservation by model', () => {
  test('takes free devices in the order of their numbers', async () => {
    const offered = [device('gpu-b/10'), device('gpu-b/9'), device('gpu-b/2')];
    expect(await reserve(migration(), offered)).toEqual(reserved('gpu-b/2', 'gpu-b/9'));
  });

  test('passes over what is bound, unhealthy, not migratable or not running', async () => {
    const offered = [
      device('gpu-b/0', { migrationUid: 'uid-2' }),
      device('gpu-b/1', { health: 'Quarantined' }),
      device('gpu-b/2', { notMigratable: 'no migration region' }),
      device('gpu-b/3', { state: 'Stop' }),
      device('gpu-b/4'),
      device('gpu-b/5'),
    ];
    expect(await reserve(migration(), offered)).toEqual(reserved('gpu-b/4', 'gpu-b/5'));
  });

  test('gives each source device one of its own model', async () => {
    const source = [device('gpu-a/0', { deviceId: 2 }), device('gpu-a/1', { deviceId: 1 })];
    const offered = [device('gpu-b/0', { deviceId: 1 }), device('gpu-b/1', { deviceId: 2 })];
    expect(await reserve(migration(), offered, source)).toEqual(reserved('gpu-b/1', 'gpu-b/0'));
  });

  test('prefers what fits in every respect to what is of the model alone', async () => {
    const offered = [device('gpu-b/0', { firmware: '2' }), device('gpu-b/1'), device('gpu-b/2')];
    expect(await reserve(migration(), offered)).toEqual(reserved('gpu-b/1', 'gpu-b/2'));
    expect(await reserve(migration(), offered.slice(0, 2))).toEqual(reserved('gpu-b/1', 'gpu-b/0'));
  });

  test('passes over a device without peer-to-peer quiesce when the set has several', async () => {
    const offered = [device('gpu-b/0', { p2p: false }), device('gpu-b/1'), device('gpu-b/2')];
    expect(await reserve(migration(), offered)).toEqual(reserved('gpu-b/1', 'gpu-b/2'));
    expect(await reserve(migration(), offered, SOURCE.slice(0, 1))).toEqual(reserved('gpu-b/0'));
  });

  test('takes a workload as a whole: one that has more devices would stay half free for another', async () => {
    const of = (workload: string, ...ids: string[]) => ids.map((id) => device(id, { workload }));
    const three = of('trainer', 'gpu-b/0', 'gpu-b/1', 'gpu-b/2');
    const two = of('server', 'gpu-b/3', 'gpu-b/4');
    expect(await reserve(migration(), [...three, ...two])).toEqual(reserved('gpu-b/3', 'gpu-b/4'));
    const busy = [{ ...three[0]!, migrationUid: 'uid-2' }, ...three.slice(1)];
    expect(await reserve(migration(), [...busy, ...two])).toEqual(reserved('gpu-b/3', 'gpu-b/4'));
  });

  test('finds again what this migration has bound before, also in the middle of a move', async () => {
    const offered = [
      device('gpu-b/0'),
      device('gpu-b/1'),
      device('gpu-b/2', { migrationUid: 'uid-1', state: 'Resuming' }),
      device('gpu-b/3', { migrationUid: 'uid-1', state: 'Resuming' }),
    ];
    expect(await reserve(migration(), offered)).toEqual(reserved('gpu-b/2', 'gpu-b/3'));
  });

  test('is refused when there are too few', async () => {
    expect(await reserve(migration(), [device('gpu-b/0')])).toMatchObject({
      kind: 'refused',
      failure: { code: 'PairingImpossible', device: 'gpu-a/1', message: expect.stringContaining('1 of 2') },
    });
  });
});

describe('devices that are held for another migration, which has not bound them yet', () => {
  const offered = ['gpu-b/0', 'gpu-b/1', 'gpu-b/2', 'gpu-b/3'].map((id) => device(id));
  const other = (target?: { devices: string[] }): StoredMigration => ({
    ...migration(target),
    uid: 'uid-2',
  });

  test('are not given again, until it is released', async () => {
    const reservation = reservationOf(offered);
    expect(await reservation.reserve(migration(), SOURCE, signal)).toEqual(reserved('gpu-b/0', 'gpu-b/1'));
    expect(reservation.hold('uid-1', ['gpu-b/0', 'gpu-b/1'])).toBe(true);
    expect(reservation.hold('uid-2', ['gpu-b/1', 'gpu-b/2'])).toBe(false);
    expect(await reservation.reserve(other(), SOURCE, signal)).toEqual(reserved('gpu-b/2', 'gpu-b/3'));
    expect(await reservation.reserve(migration(), SOURCE, signal)).toEqual(reserved('gpu-b/0', 'gpu-b/1'));
    reservation.release('uid-1');
    expect(await reservation.reserve(other(), SOURCE, signal)).toEqual(reserved('gpu-b/0', 'gpu-b/1'));
  });

  test('are refused to a pairing that names them', async () => {
    const reservation = reservationOf(offered);
    expect(reservation.hold('uid-1', ['gpu-b/0', 'gpu-b/1'])).toBe(true);
    const outcome = await reservation.reserve(other({ devices: ['gpu-b/2', 'gpu-b/1'] }), SOURCE, signal);
    expect(outcome).toMatchObject({
      kind: 'refused',
      failure: { code: 'DeviceBusy', device: 'gpu-b/1', message: expect.stringContaining('uid-1') },
    });
  });
});

describe('a reservation that cannot be judged', () => {
  test('comes later when no agent is known or none answers', async () => {
    const none = new ExplicitReservation({ agent: () => null });
    expect(await none.reserve(migration(), SOURCE, signal)).toMatchObject({
      kind: 'later',
      failure: { code: 'NodeUnknown' },
    });
    const failure = { code: 'AgentUnreachable', message: 'no answer', device: null };
    const silent = { describe: async () => ({ kind: 'unreachable', failure }) } as unknown as AgentPort;
    expect(
      await new ExplicitReservation({ agent: () => silent }).reserve(migration(), SOURCE, signal),
    ).toEqual({
      kind: 'later',
      failure,
    });
  });

  test('is refused with the reason of a manifest that was refused', async () => {
    const stored: StoredMigration = {
      ...migration(),
      spec: { ok: false, code: 'SameNode', message: 'the same', path: '' },
    };
    expect(await reserve(stored, [])).toMatchObject({ kind: 'refused', failure: { code: 'SameNode' } });
  });
});
