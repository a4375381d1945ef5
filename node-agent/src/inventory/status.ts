import { clipMessage, nodeDeviceInventoryStatus } from '@transship/crds';
import type { Condition, NodeDeviceInventoryStatus } from '@transship/crds';
import type { DeviceDescription, NodeDescription } from '../contract/description.ts';

const hex = (value: number, digits: number): string => `0x${value.toString(16).padStart(digits, '0')}`;

/**
 * What the NodeDeviceInventory says of a node. Of a device that was never reached, or has no migration protocol, only
 * what is known is told. `ready` is the condition as it was last told, whose time stays while its value does.
 */
export function inventoryStatus(
  node: NodeDescription,
  observedAt: Date,
  ready: Condition | null,
): NodeDeviceInventoryStatus & { readonly conditions: [Condition] } {
  const now = `${observedAt.toISOString().slice(0, 19)}Z`;
  const condition = readyCondition(node, now, ready);
  const status = nodeDeviceInventoryStatus.parse({
    observedAt: now,
    agent: { endpoint: node.transferEndpoint, version: node.agentVersion },
    devices: node.devices.map(inventoryDevice),
  });
  return { ...status, conditions: [condition] };
}

/** The agent serves, or nobody would tell; whether it can read every one of its devices is the rest. */
function readyCondition(node: NodeDescription, now: string, before: Condition | null): Condition {
  const silent = node.devices.filter(({ health }) => health === 'Unreachable').map(({ id }) => id);
  const status = silent.length === 0 ? 'True' : 'False';
  return {
    type: 'Ready',
    status,
    reason: silent.length === 0 ? 'DevicesAnswer' : 'DevicesSilent',
    message: clipMessage(
      silent.length === 0 ? 'Every device answers.' : `No answer from ${silent.join(', ')}.`,
    ),
    lastTransitionTime: before?.status === status ? before.lastTransitionTime : now,
  };
}

function inventoryDevice(device: DeviceDescription): Record<string, unknown> {
  const { id, driver, firmware, state, health, reason, migrationUid, notMigratable, workload } = device;
  return {
    id,
    ...(device.protocol === '' ? {} : factsOf(device)),
    driver,
    ...(firmware === '' ? {} : { firmware }),
    ...(device.interface === '' ? {} : { interface: device.interface }),
    // The API knows no word for a device that does not answer; `health` says it.
    ...(state === 'Unknown' ? {} : { state }),
    health,
    ...(reason === '' ? {} : { reason: clip(reason) }),
    ...(notMigratable === ''
      ? {}
      : { notMigratable: { code: device.code || 'DeviceNotMigratable', message: clip(notMigratable) } }),
    ...(workload === '' ? {} : { workload }),
    ...(migrationUid === '' ? {} : { migration: migrationUid }),
  };
}

/** What was read when the device was opened. */
function factsOf(device: DeviceDescription): Record<string, unknown> {
  const { p2p, preCopy, resetSupported: reset, dmaLogging } = device;
  return {
    protocol: device.protocol,
    model: {
      vendorId: hex(device.vendorId, 4),
      deviceId: hex(device.deviceId, 4),
      subsystemVendorId: hex(device.subsystemVendorId, 4),
      subsystemId: hex(device.subsystemId, 4),
      revisionId: hex(device.revisionId, 2),
    },
    capabilities: { p2p, preCopy, reset, dmaLogging },
    migrationFlags: device.migrationFlags,
    regionSize: device.regionSize,
  };
}

const clip = (text: string): string => text.slice(0, 1024);
