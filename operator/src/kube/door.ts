import { KubeConfig } from '@kubernetes/client-node';
import type { OperatorConfig } from '../config.ts';
import type { Companion, Door } from '../door.ts';
import type { Clock, Log } from '../reconcile/ports.ts';
import { KubeEventSink } from './events.ts';
import { KubeMigrationFeed } from './feed.ts';
import { InventoryCache } from './inventory-cache.ts';
import { LeaderElector } from './leader.ts';
import { LeaseClient } from './lease.ts';
import { NodeHealth } from './node-health.ts';
import { KubeNodeTaints } from './node-taints.ts';
import { KubePods } from './pods.ts';
import { KubeMigrationStore } from './store.ts';
import { KubeTransport } from './transport.ts';

type KubeOptions = Extract<OperatorConfig, { mode: 'kubernetes' }>;

/** DeviceMigrations, inventories and the Lease of one cluster. */
export class KubeDoor implements Door {
  readonly store: KubeMigrationStore;
  readonly feed: KubeMigrationFeed;
  readonly events: KubeEventSink;
  readonly nodes: KubeNodeTaints;
  readonly pods: KubePods;
  readonly endpoints: InventoryCache;
  readonly ready: Readonly<Record<string, () => boolean>>;
  readonly #transport: KubeTransport;
  readonly #elector: LeaderElector;
  readonly #health: NodeHealth;
  readonly #companion: Companion | null;

  /** @throws when the credentials cannot be read. */
  constructor(
    { kubeconfig, leaderElection }: KubeOptions,
    instance: string,
    clock: Clock,
    log: Log,
    companion: (transport: KubeTransport) => Companion | null = () => null,
  ) {
    const credentials = new KubeConfig();
    if (kubeconfig === null) credentials.loadFromDefault();
    else credentials.loadFromFile(kubeconfig);
    this.#transport = new KubeTransport(credentials);
    this.store = new KubeMigrationStore(this.#transport, clock);
    this.feed = new KubeMigrationFeed(this.#transport, clock, log);
    this.events = new KubeEventSink(this.#transport, clock, log, instance);
    this.nodes = new KubeNodeTaints(this.#transport, log);
    this.pods = new KubePods(this.#transport);
    this.endpoints = new InventoryCache(this.#transport, clock, log);
    const { devices } = this.endpoints;
    const isComplete = (): boolean => this.endpoints.synced;
    this.#health = new NodeHealth(this.#transport, clock, log, instance, devices, isComplete);
    this.endpoints.onDevices((nodeName) => this.#health.changed(nodeName));
    const lease = new LeaseClient(this.#transport, leaderElection.namespace, leaderElection.name);
    this.#elector = new LeaderElector(lease, instance, clock, log);
    this.#companion = companion(this.#transport);
    this.ready = { inventories: (): boolean => this.endpoints.synced, ...this.#companion?.ready };
  }

  get leading(): boolean {
    return this.#elector.leading;
  }

  async run(signal: AbortSignal): Promise<void> {
    await Promise.all([this.endpoints.run(signal), this.#companion?.run(signal)]);
  }

  enter(signal: AbortSignal): Promise<boolean> {
    return this.#elector.acquire(signal);
  }

  /** Whoever leads tells the nodes of their devices. */
  async hold(signal: AbortSignal): Promise<'lost' | 'released'> {
    const end = new AbortController();
    const limit = AbortSignal.any([signal, end.signal]);
    void this.#health.run(limit);
    void this.#companion?.lead(limit);
    try {
      return await this.#elector.hold(signal);
    } finally {
      end.abort();
    }
  }

  close(): void {
    this.events.close();
    this.#transport.close();
  }
}
