import type { InventoryDevice } from '@transship/crds';
import { Backoff } from '../backoff.ts';
import type { Clock, Log } from '../reconcile/ports.ts';
import { describeError } from '../telemetry/log.ts';
import { KubeApiError } from './api-error.ts';
import { DeviceTaints } from './device-taints.ts';
import { nodeEventObject } from './event-objects.ts';
import {
  conditionToWrite,
  factsOf,
  type NodeCondition,
  type NodeFacts,
  parseNode,
} from './node-condition.ts';
import type { KubeTransport } from './transport.ts';

/** Devices of each node, by the name of the node; null: it had an inventory and has none any more. */
export type DevicesByNode = ReadonlyMap<string, readonly InventoryDevice[] | null>;

const DEADLINE_MS = 10_000;
/** A condition that somebody removed, or a node that was made anew, is seen to within this time. */
const RESYNC_MS = 10 * 60_000;
const BACKOFF = { firstMs: 500, capMs: 60_000 };

/**
 * Tells on the Node objects which devices are in quarantine: a condition for schedulers, remediation and alerts, and an
 * event for people whenever it changes; and taints those that are DRA devices. The state is the API server's: a restart
 * repeats nothing.
 */
export class NodeHealth {
  readonly #transport: Pick<KubeTransport, 'request'>;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #instance: string;
  readonly #devices: DevicesByNode;
  readonly #taints: DeviceTaints;
  readonly #changed = new Set<string>();
  /** What each node was found or made to say; agents renew their inventories far more often than these change. */
  readonly #told = new Map<string, string>();
  #wake = new AbortController();

  constructor(
    transport: Pick<KubeTransport, 'request'>,
    clock: Clock,
    log: Log,
    instance: string,
    devices: DevicesByNode,
  ) {
    this.#transport = transport;
    this.#clock = clock;
    this.#log = log;
    this.#instance = instance;
    this.#devices = devices;
    this.#taints = new DeviceTaints(transport, clock, log);
  }

  /** The devices of this node may have changed. Only takes a note. */
  changed(nodeName: string): void {
    this.#changed.add(nodeName);
    this.#wake.abort();
  }

  /** Keeps the nodes told until aborted; never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const backoff = new Backoff(BACKOFF);
    let resyncAt = Number.NEGATIVE_INFINITY;
    while (!signal.aborted) {
      this.#wake = new AbortController();
      if (this.#clock.now() >= resyncAt) {
        this.#told.clear();
        for (const node of this.#devices.keys()) this.#changed.add(node);
        resyncAt = this.#clock.now() + RESYNC_MS;
      }
      const nodes = [...this.#changed];
      this.#changed.clear();
      const failed = await this.#tellAll(nodes, signal);
      for (const node of failed) this.#changed.add(node);
      if (failed.length === 0) {
        backoff.reset();
        const rest = Math.max(0, resyncAt - this.#clock.now());
        await this.#clock.sleep(rest, AbortSignal.any([signal, this.#wake.signal]));
      } else await this.#clock.sleep(backoff.next(), signal);
    }
  }

  /** Nodes that could not be told. */
  async #tellAll(nodes: readonly string[], signal: AbortSignal): Promise<string[]> {
    const failed: string[] = [];
    for (const node of nodes) {
      try {
        await this.#tell(node, signal);
      } catch (error) {
        if (signal.aborted) return failed;
        this.#log.warn({ node, cause: describeError(error) }, 'the health of a node is not told');
        failed.push(node);
      }
    }
    return failed;
  }

  async #tell(nodeName: string, signal: AbortSignal): Promise<void> {
    const devices = this.#devices.get(nodeName) ?? null;
    const facts = factsOf(devices);
    const told = JSON.stringify(facts);
    if (this.#told.get(nodeName) === told) return;
    await this.#write(nodeName, facts, signal);
    // A node that nobody tells of keeps the taints that it has.
    if (devices !== null) await this.#taints.settle(nodeName, devices, signal);
    this.#told.set(nodeName, told);
  }

  async #write(nodeName: string, facts: NodeFacts, signal: AbortSignal): Promise<void> {
    const path = `/api/v1/nodes/${encodeURIComponent(nodeName)}`;
    const known = await this.#transport
      .request({ method: 'GET', path, deadlineMs: DEADLINE_MS }, signal)
      .then(parseNode)
      .catch((error: unknown) => {
        // An inventory may outlive its node.
        if (error instanceof KubeApiError && error.isObjectNotFound(nodeName)) return null;
        throw error;
      });
    if (known === null) return;
    const condition = conditionToWrite(known, facts, this.#clock.wallNow());
    if (condition === null) return;
    await this.#transport.request(
      {
        method: 'PATCH',
        path: `${path}/status`,
        // Conditions are merged by their type: those of others stay.
        contentType: 'application/strategic-merge-patch+json',
        body: { metadata: { uid: known.metadata.uid }, status: { conditions: [condition] } },
        deadlineMs: DEADLINE_MS,
      },
      signal,
    );
    this.#log.info(
      { node: nodeName, status: condition.status, message: condition.message },
      'node condition',
    );
    const isFirst = !known.status?.conditions?.some(({ type }) => type === condition.type);
    if (condition.status === 'False' || !isFirst) await this.#publish(nodeName, condition, signal);
  }

  /** An event is news: one that cannot be sent is not tried again. */
  async #publish(nodeName: string, condition: NodeCondition, signal: AbortSignal): Promise<void> {
    const type = condition.status === 'True' ? 'Normal' : 'Warning';
    const event = { type, reason: condition.reason, message: condition.message } as const;
    const body = nodeEventObject(nodeName, event, this.#instance, this.#clock.wallNow());
    const path = '/apis/events.k8s.io/v1/namespaces/default/events';
    try {
      await this.#transport.request({ method: 'POST', path, body, deadlineMs: DEADLINE_MS }, signal);
    } catch (error) {
      this.#log.warn({ node: nodeName, cause: describeError(error) }, 'event not sent');
    }
  }
}
