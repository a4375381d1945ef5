import type { KnownState } from '../core/device-state.ts';
import { versionOnWire } from './contract-version.ts';
import { deviceStates } from './enums.ts';
import type {
  DescribeDevicesResponse as WireResponse,
  DescribeDevicesResponse__Output,
} from './generated/transship/agent/v1alpha1/DescribeDevicesResponse.ts';
import type {
  DeviceDescription as WireDevice,
  DeviceDescription__Output,
} from './generated/transship/agent/v1alpha1/DeviceDescription.ts';

/** One device of a node and what it can do. Absent facts are empty strings or zero, as on the wire. */
export interface DeviceDescription {
  readonly id: string;
  /** `v1` | `v2`; empty when the device could not be probed. */
  readonly protocol: string;
  readonly vendorId: number;
  readonly deviceId: number;
  readonly subsystemVendorId: number;
  readonly subsystemId: number;
  readonly revisionId: number;
  readonly driver: string;
  readonly firmware: string;
  readonly p2p: boolean;
  readonly preCopy: boolean;
  readonly resetSupported: boolean;
  /** Size of the migration region, bytes. */
  readonly regionSize: number;
  /** Largest segment that the region's data section takes, bytes. */
  readonly dataWindowSize: number;
  readonly state: KnownState;
  readonly health: DeviceHealth;
  /** Why it is not healthy, for people. */
  readonly reason: string;
  /** UID of the migration that holds the device, empty when free. */
  readonly migrationUid: string;
  /** Why the device cannot be migrated, empty when it can. */
  readonly notMigratable: string;
  /** Stable code that goes with `notMigratable`, else with `reason`; empty when neither is set, and from older agents. */
  readonly code: string;
  /** Workload that drives the device, empty when none is named. All devices of a node with one workload move together. */
  readonly workload: string;
  /** How it is reached: `cdev`, `group` or `vfio-user`. */
  readonly interface: string;
  /** It can log which memory it writes to. */
  readonly dmaLogging: boolean;
  /** VFIO_DEVICE_FEATURE_MIGRATION flags; 0 for v1. */
  readonly migrationFlags: number;
  /** Set while `health` is Quarantined; older agents tell no more of it than `reason` and `code`. */
  readonly quarantine?: DeviceQuarantine | null;
  /** Domain, bus, slot and function; empty where nobody named them, absent from older agents. */
  readonly pciAddress?: string;
  /** The one that the kubelet has given the device to; null: none, or nobody knows (see PodResources). */
  readonly pod?: PodReference | null;
  /** Where it is plugged in; null where that is not known. */
  readonly topology?: DeviceTopology | null;
}

/** A pod as the kubelet names it, which tells no UID: another of its name may have taken its place. */
export interface PodReference {
  readonly namespace: string;
  readonly name: string;
}

/** As sysfs has it. */
export interface DeviceTopology {
  /** Root complex and its bus, such as `pci0000:3a`; empty where there is none. */
  readonly pcieRoot: string;
  /** -1: none is told. */
  readonly numaNode: number;
}

/** A device of a pod that cannot be moved with it. */
export interface UnknownDevice {
  readonly pod: PodReference | null;
  /** Resource of a device plugin (`vendor/name`), or DRA driver. */
  readonly resource: string;
  /** As the device plugin names it, or `pool/device` of a DRA driver. */
  readonly device: string;
  /** Why it cannot be moved, for people. */
  readonly reason: string;
}

/** How much of the kubelet's word on pods and devices an agent has. */
export interface PodResources {
  /** False: no device tells its pod, whether it has one or not. */
  readonly known: boolean;
  /** Why it is not known; empty when it is. */
  readonly message: string;
  /** Whoever moves a pod must find none of its own here. */
  readonly unknownDevices: readonly UnknownDevice[];
}

/** Why nobody may have a device. */
export interface DeviceQuarantine {
  readonly code: string;
  readonly message: string;
  /** RFC 3339, UTC. */
  readonly since: string;
  /** Migration that it happened to; empty when it is of none, or nobody knows. */
  readonly migrationUid: string;
  /** What a person does about it. */
  readonly remedy: string;
}

export type DeviceHealth = 'Healthy' | 'Quarantined' | 'Unreachable';

/** A node's agent and its devices. */
export interface NodeDescription {
  readonly nodeName: string;
  readonly agentVersion: string;
  /** Version of the contract that the agent speaks; 1 when it does not tell. */
  readonly contractVersion: number;
  /** Where another agent pulls streams of this node, `host:port`. */
  readonly transferEndpoint: string;
  readonly devices: readonly DeviceDescription[];
  /** null or absent: the agent was not told to ask the kubelet, or is older. */
  readonly podResources?: PodResources | null;
}

export function descriptionToWire(node: NodeDescription): WireResponse {
  const { podResources = null } = node;
  return {
    ...node,
    devices: node.devices.map(deviceToWire),
    podResources:
      podResources === null
        ? null
        : { ...podResources, unknownDevices: podResources.unknownDevices.map((one) => ({ ...one })) },
  };
}

export function deviceToWire(device: DeviceDescription): WireDevice {
  return { ...device, state: deviceStates.toWire(device.state) };
}

/** @throws UnreadableMessage */
export function descriptionFromWire(message: DescribeDevicesResponse__Output): NodeDescription {
  const devices = message.devices.map(deviceFromWire);
  return { ...message, contractVersion: versionOnWire(message.contractVersion), devices };
}

/** @throws UnreadableMessage */
export function deviceFromWire(device: DeviceDescription__Output): DeviceDescription {
  const state = deviceStates.fromWire(device.state);
  return { ...device, state, health: healthFromWire(device.health) };
}

/** A word of a newer agent counts as not healthy, so that nothing is started on its device. */
function healthFromWire(word: string): DeviceHealth {
  return word === 'Healthy' || word === 'Quarantined' ? word : 'Unreachable';
}
