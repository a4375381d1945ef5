import { nodeDeviceInventoryStatus } from '@transship/crds';
import type { NodeDeviceInventoryStatus } from '@transship/crds';
import type { DeviceDescription, NodeDescription } from '../contract/description.ts';

const hex = (value: number, digits: number): string => `0x${value.toString(16).padStart(digits, '0')}`;

/** What the NodeDeviceInventory says of a node. Devices that were never reached are left out: nothing is known of them. */
export function inventoryStatus(node: NodeDescription, observedAt: Date): NodeDeviceInventoryStatus {
  return nodeDeviceInventoryStatus.parse({
    observedAt: `${observedAt.toISOString().slice(0, 19)}Z`,
    agent: { endpoint: node.transferEndpoint, version: node.agentVersion },
    devices: node.devices.filter((device) => device.protocol !== '').map(inventoryDevice),
  });
}

function inventoryDevice(device: DeviceDescription): Record<string, unknown> {
  const { id, protocol, driver, firmware, regionSize, state, health, reason, migrationUid } = device;
  return {
    id,
    protocol,
    model: {
      vendorId: hex(device.vendorId, 4),
      deviceId: hex(device.deviceId, 4),
      subsystemVendorId: hex(device.subsystemVendorId, 4),
      subsystemId: hex(device.subsystemId, 4),
      revisionId: hex(device.revisionId, 2),
    },
    driver,
    ...(firmware === '' ? {} : { firmware }),
    capabilities: { p2p: device.p2p, preCopy: device.preCopy, reset: device.resetSupported },
    regionSize,
    // The API knows no word for a device that does not answer; `health` says it.
    state: state === 'Unknown' ? 'Error' : state,
    health,
    ...(reason === '' ? {} : { reason: reason.slice(0, 1024) }),
    ...(migrationUid === '' ? {} : { migration: migrationUid }),
  };
}
