import type { DeviceTopology, PodReference, PodResources } from '../contract/description.ts';
import { isVfioUser } from '../device/devices-file.ts';
import type { DeviceEntry } from '../device/devices-file.ts';
import { holdersOf } from '../pods/holders.ts';
import type { KnownDevice } from '../pods/holders.ts';
import type { PodFacts } from '../pods/pod-watch.ts';
import { readTopology } from './topology.ts';

/** What the node says of a device that the device does not. */
export interface DevicePlace {
  /** Empty where the devices file names none. */
  readonly pciAddress: string;
  readonly topology: DeviceTopology | null;
  readonly pod: PodReference | null;
}

/** The kubelet of the node, where the agent was told to ask it. */
export interface PodSource {
  look(): Promise<PodFacts>;
  /** Resources of device plugins and DRA drivers whose devices are all to be in the devices file. */
  readonly managed: ReadonlySet<string>;
}

export interface Surroundings {
  /** By device id. */
  readonly places: ReadonlyMap<string, DevicePlace>;
  readonly podResources: PodResources | null;
}

/** Told in one answer, which is at most 4 MiB. */
const MAX_UNKNOWN = 1_000;

/** Looks at sysfs and at the kubelet, both as they are now. Never rejects. */
export async function lookAround(
  entries: readonly DeviceEntry[],
  pods: PodSource | null,
  topologyOf: (address: string) => Promise<DeviceTopology | null> = readTopology,
): Promise<Surroundings> {
  const [facts, topologies] = await Promise.all([
    pods?.look() ?? Promise.resolve(null),
    Promise.all(
      entries.map(async ({ pciAddress }) => (pciAddress === undefined ? null : topologyOf(pciAddress))),
    ),
  ]);
  const placed = entries.map((entry, index) => ({ entry, topology: topologies[index] ?? null }));
  const known = placed.map(({ entry, topology }): KnownDevice => ({
    id: entry.id,
    pciAddress: entry.pciAddress ?? '',
    allocationIds: entry.allocationIds ?? [],
    // A server of vfio-user may call its device what it likes.
    isAbsent: !isVfioUser(entry) && entry.pciAddress !== undefined && topology === null,
  }));
  const holders = facts?.known === true ? holdersOf(known, facts.listed, pods?.managed ?? new Set()) : null;
  const isTold = holders !== null && holders.unknown.length <= MAX_UNKNOWN;
  const podOf = (id: string): PodReference | null => (isTold ? (holders.pods.get(id) ?? null) : null);
  const places = placed.map(({ entry: { id, pciAddress = '' }, topology }): [string, DevicePlace] => [
    id,
    { pciAddress, topology, pod: podOf(id) },
  ]);
  return { places: new Map(places), podResources: facts === null ? null : told(facts, holders, isTold) };
}

function told(facts: PodFacts, holders: ReturnType<typeof holdersOf> | null, isTold: boolean): PodResources {
  if (holders !== null && isTold) return { known: true, message: '', unknownDevices: holders.unknown };
  const tooMany = `pods have more than ${MAX_UNKNOWN} devices that the devices file does not list`;
  return { known: false, message: facts.known ? tooMany : facts.message, unknownDevices: [] };
}
