import type { PodReference, UnknownDevice } from '../contract/description.ts';
import type { ListedDevice } from './listed.ts';

/** A device of this node, with all that the kubelet may know it by. */
export interface KnownDevice {
  /** `<nodeName>/<name>` */
  readonly id: string;
  /** Empty where the devices file names none. */
  readonly pciAddress: string;
  /** What its device plugin or DRA driver calls it, beside the name in its id. */
  readonly allocationIds: readonly string[];
  /** sysfs has nothing at its address, whatever the files say. */
  readonly isAbsent: boolean;
}

/** Which pod has which device. */
export interface Holders {
  /** By device id. */
  readonly pods: ReadonlyMap<string, PodReference>;
  readonly unknown: readonly UnknownDevice[];
}

/**
 * Finds the devices of this node in what the kubelet lists. A PCI address means the same device to everybody. The other
 * names are a plugin's own, and `0` of one is not `0` of another: they count for `managed` resources and drivers alone. Of
 * those, what is no device of this node is told as unknown, so that nobody takes the rest of its pod for all of it; so is
 * a device that several pods have, and one that sysfs does not have.
 */
export function holdersOf(
  devices: readonly KnownDevice[],
  listed: readonly ListedDevice[],
  managed: ReadonlySet<string>,
): Holders {
  const unknown: UnknownDevice[] = [];
  const holders = new Map<string, ListedDevice[]>();
  for (const one of listed) {
    const isManaged = managed.has(one.resource);
    const [device, ...more] = devices.filter((candidate) => isOf(candidate, one, isManaged));
    if (device === undefined) {
      if (isManaged) unknown.push(toUnknown(one, 'the devices file of the node does not list it'));
    } else if (more.length > 0) {
      const names = [device, ...more].map(({ id }) => id).join(', ');
      unknown.push(toUnknown(one, `it may be any of ${names}`));
    } else if (device.isAbsent) {
      unknown.push(toUnknown(one, `it is ${device.id}, and the node has nothing at ${device.pciAddress}`));
    } else {
      holders.set(device.id, [...(holders.get(device.id) ?? []), one]);
    }
  }
  const pods = new Map<string, PodReference>();
  for (const [id, held] of holders) {
    const names = [...new Set(held.map(({ pod }) => `${pod.namespace}/${pod.name}`))];
    const [first] = held;
    if (names.length === 1 && first !== undefined) pods.set(id, first.pod);
    else unknown.push(...held.map((one) => toUnknown(one, `${id} is given to ${names.join(', ')}`)));
  }
  return { pods, unknown };
}

function isOf({ id, pciAddress, allocationIds }: KnownDevice, listed: ListedDevice, isManaged: boolean) {
  if (listed.address !== '' && pciAddress !== '') return listed.address === pciAddress;
  if (!isManaged) return false;
  const own = [...allocationIds, id.slice(id.indexOf('/') + 1)];
  return listed.names.some((name) => own.includes(name));
}

const toUnknown = ({ pod, resource, names, claimed }: ListedDevice, reason: string): UnknownDevice => ({
  pod,
  resource,
  device: claimed === null ? (names[0] ?? '') : `${claimed.pool}/${claimed.device}`,
  reason,
});
