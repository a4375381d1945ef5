import { clipMessage, nodeDeviceInventoryStatus } from '@transship/crds';
import type { Condition, NodeDeviceInventoryStatus } from '@transship/crds';
import type { DeviceDescription, NodeDescription } from '../contract/description.ts';

const hex = (value: number, digits: number): string => `0x${value.toString(16).padStart(digits, '0')}`;

/**
 * What the NodeDeviceInventory says of a node. Of a device that was never reached, or has no migration protocol, only
 * what is known is told. `before`: the conditions as they were last told, whose times stay while their values do.
 */
export function inventoryStatus(
  node: NodeDescription,
  observedAt: Date,
  before: readonly Condition[],
): NodeDeviceInventoryStatus & { readonly conditions: Condition[] } {
  const now = `${observedAt.toISOString().slice(0, 19)}Z`;
  const status = nodeDeviceInventoryStatus.parse({
    observedAt: now,
    agent: { endpoint: node.transferEndpoint, version: node.agentVersion },
    devices: node.devices.map(inventoryDevice),
  });
  const conditions = [ready(node), devicesHealthy(node), ...podResources(node)].map((condition) => {
    const last = before.find(({ type }) => type === condition.type);
    const lastTransitionTime = last?.status === condition.status ? last.lastTransitionTime : now;
    return { ...condition, lastTransitionTime };
  });
  return { ...status, conditions };
}

type Timeless = Omit<Condition, 'lastTransitionTime'>;

/** The agent serves, or nobody would tell; whether it can read every one of its devices is the rest. */
function ready({ devices }: NodeDescription): Timeless {
  const silent = devices.filter(({ health }) => health === 'Unreachable').map(({ id }) => id);
  if (silent.length === 0) {
    return { type: 'Ready', status: 'True', reason: 'DevicesAnswer', message: 'Every device answers.' };
  }
  const message = clipMessage(`No answer from ${silent.join(', ')}.`);
  return { type: 'Ready', status: 'False', reason: 'DevicesSilent', message };
}

/** False while a device is in quarantine. */
function devicesHealthy({ devices }: NodeDescription): Timeless {
  const withheld = devices.filter(({ health }) => health === 'Quarantined');
  if (withheld.length === 0) {
    const message = 'No device is in quarantine.';
    return { type: 'DevicesHealthy', status: 'True', reason: 'NoQuarantine', message };
  }
  const each = withheld.map(({ id, code, reason }) => `${id} (${code}: ${reason})`);
  const message = clipMessage(`In quarantine: ${each.join('; ')}.`);
  return { type: 'DevicesHealthy', status: 'False', reason: 'Quarantined', message };
}

/** Only of an agent that asks the kubelet. False: evictions of pods that hold devices here may have to wait. */
function podResources({ podResources: facts }: NodeDescription): Timeless[] {
  if (facts === undefined || facts === null) return [];
  const type = 'PodResources';
  if (!facts.known)
    return [{ type, status: 'False', reason: 'KubeletSilent', message: clipMessage(facts.message) }];
  if (facts.unknownDevices.length === 0) {
    const message = 'The kubelet tells which pods have which devices.';
    return [{ type, status: 'True', reason: 'PodsKnown', message }];
  }
  const each = facts.unknownDevices.map(({ pod, resource, device, reason }) => {
    const name = pod === null ? 'a pod' : `${pod.namespace}/${pod.name}`;
    return `${name} has ${device} of ${resource} (${reason})`;
  });
  const message = clipMessage(`Pods that cannot be moved: ${each.join('; ')}.`);
  return [{ type, status: 'False', reason: 'UnknownDevices', message }];
}

function inventoryDevice(device: DeviceDescription): Record<string, unknown> {
  const { id, driver, firmware, state, health, reason, migrationUid, notMigratable, workload } = device;
  return {
    id,
    ...(device.protocol === '' ? {} : factsOf(device)),
    driver,
    ...(firmware === '' ? {} : { firmware }),
    ...(device.pciAddress === undefined || device.pciAddress === '' ? {} : { pciAddress: device.pciAddress }),
    ...placeOf(device),
    ...(device.interface === '' ? {} : { interface: device.interface }),
    // The API knows no word for a device that does not answer; `health` says it.
    ...(state === 'Unknown' ? {} : { state }),
    health,
    ...(reason === '' ? {} : { reason: clip(reason) }),
    ...quarantineOf(device),
    ...(notMigratable === ''
      ? {}
      : { notMigratable: { code: device.code || 'DeviceNotMigratable', message: clip(notMigratable) } }),
    ...(workload === '' ? {} : { workload }),
    ...(migrationUid === '' ? {} : { migration: migrationUid }),
  };
}

function placeOf({ topology, pod }: DeviceDescription): Record<string, unknown> {
  const { pcieRoot = '', numaNode = -1 } = topology ?? {};
  return {
    ...(pcieRoot === '' ? {} : { pcieRoot }),
    ...(numaNode < 0 ? {} : { numaNode }),
    ...(pod === undefined || pod === null ? {} : { pod: { namespace: pod.namespace, name: pod.name } }),
  };
}

function quarantineOf({ quarantine }: DeviceDescription): Record<string, unknown> {
  if (quarantine === undefined || quarantine === null) return {};
  const { code, since, migrationUid, remedy } = quarantine;
  const migration = migrationUid === '' ? {} : { migration: migrationUid };
  return { quarantine: { code, since, remedy: clip(remedy), ...migration } };
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
