import { z } from 'zod';
import type { PodReference } from '../contract/description.ts';

/** A device that the kubelet has given to a pod. */
export interface ListedDevice {
  readonly pod: PodReference;
  /** Resource of a device plugin (`vendor/name`), or DRA driver. */
  readonly resource: string;
  /** Every name that it goes by there: of a plugin its id alone; of a DRA driver the longest first. */
  readonly names: readonly string[];
  /** PCI address that it says of itself, or empty. */
  readonly address: string;
  /** What tells of a DRA device which one it is; null: a plugin's. */
  readonly claimed: ClaimedDevice | null;
}

/** Of ResourceSlices, where more is told of it. */
export interface ClaimedDevice {
  readonly driver: string;
  readonly pool: string;
  readonly device: string;
}

/** The kubelet's answer cannot be used; nothing of it is. */
export class UnreadableList extends Error {
  override readonly name = 'UnreadableList';
}

/** Of all pods of a node; the kubelet runs a few hundred, and a node has a few hundred devices. */
const MAX_LISTED = 16_384;

const name = z
  .string()
  .max(253)
  .regex(/^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$/);
const word = z.string().min(1).max(1024);

const list = z.object({
  podResources: z.array(
    z.object({
      namespace: name,
      name,
      containers: z.array(
        z.object({
          devices: z.array(z.object({ resourceName: word, deviceIds: z.array(word) })),
          dynamicResources: z.array(
            z.object({
              claimResources: z.array(z.object({ driverName: word, poolName: word, deviceName: word })),
            }),
          ),
        }),
      ),
    }),
  ),
});

/**
 * Every device of the answer, those of one pod that several of its containers share only once.
 * @throws UnreadableList
 */
export function readList(message: unknown): readonly ListedDevice[] {
  const parsed = list.safeParse(message);
  if (!parsed.success)
    throw new UnreadableList(`the list of pods cannot be read: ${z.prettifyError(parsed.error)}`);
  const found = new Map<string, ListedDevice>();
  for (const { namespace, name: podName, containers } of parsed.data.podResources) {
    const pod = { namespace, name: podName };
    for (const { devices, dynamicResources } of containers) {
      const ofPlugins = devices.flatMap(({ resourceName, deviceIds }) =>
        deviceIds.map((id) => plugged(pod, resourceName, id)),
      );
      const ofClaims = dynamicResources.flatMap(({ claimResources }) =>
        claimResources.map(({ driverName: driver, poolName: pool, deviceName: device }) =>
          claimed(pod, { driver, pool, device }),
        ),
      );
      for (const one of [...ofPlugins, ...ofClaims])
        found.set(JSON.stringify([namespace, podName, one.resource, one.names]), one);
    }
    if (found.size > MAX_LISTED)
      throw new UnreadableList(`the list of pods names more than ${MAX_LISTED} devices`);
  }
  return [...found.values()];
}

const plugged = (pod: PodReference, resource: string, id: string): ListedDevice => ({
  pod,
  resource,
  names: [id],
  address: addressIn(id),
  claimed: null,
});

/** Names of DRA devices are DNS labels, so drivers write an address as `0000-3b-00-1`, some behind `pci-`. */
const claimed = (pod: PodReference, one: ClaimedDevice): ListedDevice => ({
  pod,
  resource: one.driver,
  names: [`${one.driver}/${one.pool}/${one.device}`, `${one.pool}/${one.device}`, one.device],
  address: addressIn(one.device.replace(/^(?:pci-)?([0-9a-f]{4,8})-(..)-(..)-(.)$/, '$1:$2:$3.$4')),
  claimed: one,
});

/** As sysfs writes it, when the text is one. */
function addressIn(text: string): string {
  const lower = text.toLowerCase();
  if (/^[0-9a-f]{4,8}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]$/.test(lower)) return lower;
  return /^[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]$/.test(lower) ? `0000:${lower}` : '';
}
