import {
  GROUP,
  type InventoryDevice,
  NODE_DEVICE_INVENTORY_PLURAL,
  parseInventory,
  VERSION,
} from '@transship/crds';
import type { Clock, Log } from '../reconcile/ports.ts';
import { ListWatch, type ListWatchTimes, type WatchedObject } from './list-watch.ts';
import type { KubeTransport } from './transport.ts';

/**
 * Where each node's agent listens and what it told of its devices, from the NodeDeviceInventories. A hint: the agent itself
 * says what is true.
 */
export class InventoryCache {
  readonly #listWatch: ListWatch;
  readonly #log: Log;
  readonly #endpoints = new Map<string, string>();
  readonly #devices = new Map<string, readonly InventoryDevice[]>();
  #onDevices: (nodeName: string) => void = () => undefined;
  #synced = false;

  constructor(transport: KubeTransport, clock: Clock, log: Log, times?: ListWatchTimes) {
    this.#log = log;
    this.#listWatch = new ListWatch(transport, clock, log, {
      path: `/apis/${GROUP}/${VERSION}/${NODE_DEVICE_INVENTORY_PLURAL}`,
      metadataOnly: false,
      ...(times === undefined ? {} : { times }),
    });
  }

  /** The list was read at least once. */
  get synced(): boolean {
    return this.#synced;
  }

  /** `host:port` of the agent of a node, or null when none has announced itself. */
  endpoint(nodeName: string): string | null {
    return this.#endpoints.get(nodeName) ?? null;
  }

  /** Nodes of which an agent has announced itself. */
  get nodes(): readonly string[] {
    return [...this.#endpoints.keys()];
  }

  /** Devices of each node as last told; a node whose inventory is gone is not among them. */
  get devices(): ReadonlyMap<string, readonly InventoryDevice[]> {
    return this.#devices;
  }

  /** Has `listener` told of each node whose devices were told anew, or whose inventory is gone. It must only take a note. */
  onDevices(listener: (nodeName: string) => void): void {
    this.#onDevices = listener;
  }

  run(signal: AbortSignal): Promise<void> {
    return this.#listWatch.run(
      {
        upsert: (object) => this.#upsert(object),
        removed: (name) => this.#removed(name),
        listed: () => (this.#synced = true),
      },
      signal,
    );
  }

  #upsert(object: WatchedObject): void {
    const { name } = object.metadata;
    // Items of a list carry neither kind nor apiVersion.
    const parsed = parseInventory({
      kind: 'NodeDeviceInventory',
      apiVersion: `${GROUP}/${VERSION}`,
      ...object,
    });
    if (!parsed.ok) {
      this.#log.warn({ node: name, code: parsed.code, reason: parsed.message }, 'inventory cannot be read');
      return;
    }
    const endpoint = parsed.value.status?.agent?.endpoint;
    if (endpoint === undefined) this.#endpoints.delete(name);
    else this.#endpoints.set(name, endpoint);
    this.#devices.set(name, parsed.value.status?.devices ?? []);
    this.#onDevices(name);
  }

  #removed(name: string): void {
    this.#endpoints.delete(name);
    this.#devices.delete(name);
    this.#onDevices(name);
  }
}
