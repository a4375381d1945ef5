import type { Pod } from './pod.ts';
import { requested } from './pod.ts';

/** What a pod was given. */
export interface Allocation {
  readonly pod: { readonly name: string; readonly namespace: string; readonly uid: string };
  /** All its devices are of this group of the emulator: one workload. */
  readonly group: number;
  readonly containers: readonly { readonly name: string; readonly deviceIds: readonly string[] }[];
}

export interface PoolOptions {
  /** Name of the extended resource. */
  readonly resource: string;
  readonly groups: number;
  /** Devices of each group. */
  readonly groupSize: number;
}

/** No group is free, or none of the size that is asked for. */
export class NoDevices extends Error {
  override readonly name = 'NoDevices';
}

/** Devices of a node, given out by whole groups: a pod never has devices of two workloads, and no two pods share one. */
export class DevicePool {
  readonly resource: string;
  readonly capacity: number;
  readonly #groupSize: number;
  readonly #holders: (Allocation | null)[];

  constructor({ resource, groups, groupSize }: PoolOptions) {
    this.resource = resource;
    this.capacity = groups * groupSize;
    this.#groupSize = groupSize;
    this.#holders = Array.from({ length: groups }, () => null);
  }

  /**
   * What the pod asks for; the same again when it is asked again. null: it asks for no devices.
   * @throws NoDevices
   */
  allocate(pod: Pod): Allocation | null {
    const { name, namespace, uid } = pod.metadata;
    const held = this.of(uid);
    if (held !== null) return held;
    const wanted = requested(pod, this.resource);
    const count = wanted.reduce((sum, one) => sum + one.count, 0);
    if (count === 0) return null;
    if (count !== this.#groupSize) {
      throw new NoDevices(`${count} devices of ${this.resource}; they come ${this.#groupSize} at a time`);
    }
    const group = this.#holders.indexOf(null);
    if (group === -1) throw new NoDevices(`no ${this.resource} is free`);
    let next = group * this.#groupSize;
    const containers = wanted.map((one) => ({
      name: one.container,
      deviceIds: Array.from({ length: one.count }, () => String(next++)),
    }));
    const allocation = { pod: { name, namespace, uid }, group, containers };
    this.#holders[group] = allocation;
    return allocation;
  }

  of(podUid: string): Allocation | null {
    return this.#holders.find((one) => one?.pod.uid === podUid) ?? null;
  }

  free(podUid: string): void {
    const group = this.#holders.findIndex((one) => one?.pod.uid === podUid);
    if (group !== -1) this.#holders[group] = null;
  }

  get allocations(): readonly Allocation[] {
    return this.#holders.filter((one) => one !== null);
  }
}
