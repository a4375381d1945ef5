import type { DeviceDescription, DeviceHealth } from '../contract/description.ts';
import type { KnownState } from '../core/device-state.ts';
import type { DeviceFacts, Devices, MigratableDevice } from '../device/port.ts';
import type { SessionRegistry } from '../session/registry.ts';

/** Name of the driver of a device that is reached over vfio-user, where no kernel driver is bound. */
const VFIO_USER_DRIVER = 'vfio-user';

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
  regionSize: 0,
  dataWindowSize: 0,
};

/** Devices of this node as they are now; no ids: all. Ids that the node does not have are left out. */
export async function describeDevices(
  devices: Devices,
  sessions: SessionRegistry,
  ids: readonly string[],
): Promise<DeviceDescription[]> {
  const wanted = ids.length === 0 ? devices.all : devices.all.filter((device) => ids.includes(device.id));
  return Promise.all(wanted.map((device) => describeDevice(device, sessions)));
}

async function describeDevice(
  device: MigratableDevice,
  sessions: SessionRegistry,
): Promise<DeviceDescription> {
  const migrationUid = sessions.boundBy(device.id, '') ?? '';
  const state = stateInSession(sessions, migrationUid, device.id) ?? (await device.observe()).state;
  const { protocol, p2p, preCopy, resetSupported, regionSize, dataWindowSize, ...identity } =
    device.facts ?? NO_FACTS;
  const quarantine = sessions.whyQuarantined(device.id);
  const health = healthOf(quarantine, state);
  return {
    id: device.id,
    protocol,
    vendorId: identity.vendorId,
    deviceId: identity.deviceId,
    subsystemVendorId: identity.subsystemVendorId,
    subsystemId: identity.subsystemId,
    revisionId: identity.revisionId,
    driver: VFIO_USER_DRIVER,
    firmware: '',
    p2p,
    preCopy,
    resetSupported,
    regionSize,
    dataWindowSize,
    state,
    health,
    reason: quarantine ?? (health === 'Unreachable' ? (device.trouble ?? 'it does not answer') : ''),
    migrationUid,
    notMigratable: device.facts !== null && !resetSupported ? 'it does not support VFIO_DEVICE_RESET' : '',
  };
}

/** A session knows the state of its devices, also of one that is busy and would not answer now. */
function stateInSession(sessions: SessionRegistry, uid: string, deviceId: string): KnownState | null {
  const runner = sessions.runners.find((candidate) => candidate.uid === uid);
  return runner?.snapshot.devices.find((device) => device.id === deviceId)?.state ?? null;
}

function healthOf(quarantine: string | null, state: KnownState): DeviceHealth {
  if (quarantine !== null) return 'Quarantined';
  return state === 'Unknown' ? 'Unreachable' : 'Healthy';
}
