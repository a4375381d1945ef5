import type { DeviceDescription, DeviceHealth, DeviceQuarantine } from '../contract/description.ts';
import { failure } from '../contract/failure.ts';
import type { KnownState } from '../core/device-state.ts';
import type { Failure } from '../core/session.ts';
import type { DeviceFacts, Devices, MigratableDevice } from '../device/port.ts';
import type { Members } from '../session/ports.ts';
import type { QuarantineEntry } from '../session/quarantine.ts';
import type { SessionRegistry } from '../session/registry.ts';
import type { DevicePlace } from './surroundings.ts';

const NO_FACTS: DeviceFacts = {
  protocol: '',
  vendorId: 0,
  deviceId: 0,
  subsystemVendorId: 0,
  subsystemId: 0,
  revisionId: 0,
  p2p: false,
  preCopy: false,
  resetSupported: false,
  dmaLogging: false,
  migrationFlags: 0,
  regionSize: 0,
  dataWindowSize: 0,
};

/** Devices of this node as they are now; no ids: all. Ids that the node does not have are left out. */
export async function describeDevices(
  devices: Devices,
  sessions: SessionRegistry,
  members: Members,
  ids: readonly string[],
  places: ReadonlyMap<string, DevicePlace> = new Map(),
): Promise<DeviceDescription[]> {
  const wanted = ids.length === 0 ? devices.all : devices.all.filter((device) => ids.includes(device.id));
  return Promise.all(
    wanted.map((device) => describeDevice(device, sessions, members, places.get(device.id))),
  );
}

async function describeDevice(
  device: MigratableDevice,
  sessions: SessionRegistry,
  members: Members,
  place: DevicePlace | undefined,
): Promise<DeviceDescription> {
  const { id } = device;
  const migrationUid = sessions.boundBy(id, '') ?? '';
  const state = stateInSession(sessions, migrationUid, id) ?? (await device.observe()).state;
  const facts = device.facts ?? NO_FACTS;
  const quarantine = sessions.whyQuarantined(id);
  const unfit = whyNotMigratable(device);
  const health = healthOf(device, quarantine, state);
  const trouble = health === 'Unreachable' ? (device.trouble ?? silent(id)) : null;
  return {
    id,
    protocol: facts.protocol,
    vendorId: facts.vendorId,
    deviceId: facts.deviceId,
    subsystemVendorId: facts.subsystemVendorId,
    subsystemId: facts.subsystemId,
    revisionId: facts.revisionId,
    driver: device.driver,
    firmware: '',
    p2p: facts.p2p,
    preCopy: facts.preCopy,
    resetSupported: facts.resetSupported,
    regionSize: facts.regionSize,
    dataWindowSize: facts.dataWindowSize,
    state,
    health,
    reason: quarantine?.message ?? trouble?.message ?? '',
    migrationUid,
    notMigratable: unfit?.message ?? '',
    code: unfit?.code ?? quarantine?.code ?? trouble?.code ?? '',
    workload: members.workloadOf(id)?.name ?? '',
    interface: device.interface,
    dmaLogging: facts.dmaLogging,
    migrationFlags: facts.migrationFlags,
    quarantine: quarantine === null ? null : toldOf(quarantine),
    pciAddress: place?.pciAddress ?? '',
    pod: place?.pod ?? null,
    topology: place?.topology ?? null,
  };
}

const toldOf = ({ code, message, since, uid, remedy }: QuarantineEntry): DeviceQuarantine => ({
  code,
  message,
  since: since.toISOString(),
  migrationUid: uid,
  remedy,
});

const silent = (id: string): Failure => failure('DeviceUnreachable', 'it does not answer', id);

function whyNotMigratable({ id, facts, unfit }: MigratableDevice): Failure | null {
  if (unfit !== null) return unfit;
  if (facts === null || facts.resetSupported) return null;
  return failure('ResetUnsupported', 'it does not support VFIO_DEVICE_RESET', id);
}

/** A session knows the state of its devices, also of one that is busy and would not answer now. */
function stateInSession(sessions: SessionRegistry, uid: string, deviceId: string): KnownState | null {
  const runner = sessions.runners.find((candidate) => candidate.uid === uid);
  return runner?.snapshot.devices.find((device) => device.id === deviceId)?.state ?? null;
}

/** A device without a migration protocol has no migration state to tell, and is well all the same. */
function healthOf(
  { facts, unfit }: MigratableDevice,
  quarantine: QuarantineEntry | null,
  state: KnownState,
): DeviceHealth {
  if (quarantine !== null) return 'Quarantined';
  const isPlain = facts === null && unfit !== null;
  return state === 'Unknown' && !isPlain ? 'Unreachable' : 'Healthy';
}
