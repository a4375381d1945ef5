import type { InventoryDevice } from '@transship/crds';
import { Backoff } from '../backoff.ts';
import type { Clock, Log } from '../reconcile/ports.ts';
import { describeError } from '../telemetry/log.ts';
import { KubeApiError } from './api-error.ts';
import { DeviceTaints, type TaintRules } from './device-taints.ts';
import { nodeEventObject } from './event-objects.ts';
import { listAll } from './list-all.ts';
import {
  conditionToWrite,
  factsOf,
  type KnownNode,
  knownNode,
  NODE_CONDITION,
  type NodeCondition,
  type NodeFacts,
  parseNode,
} from './node-condition.ts';
import type { KubeTransport } from './transport.ts';

/** Devices of each node that has an inventory, by the name of the node. */
export type DevicesByNode = ReadonlyMap<string, readonly InventoryDevice[]>;

const NODES = '/api/v1/nodes';
const DEADLINE_MS = 10_000;
/** A condition that somebody removed, or a node that was made anew, is seen to within this time. */
const RESYNC_MS = 10 * 60_000;
/** How often to look whether all inventories were read. */
const COMPLETE_MS = 1_000;
const BACKOFF = { firstMs: 500, capMs: 60_000 };

/** A node that is to be told, and when; the pauses of one that cannot be are its own. */
interface Due {
  readonly at: number;
  readonly backoff: Backoff;
}

/** What a round over several nodes reads only once. */
interface Round {
  /** Every node; null: each that is told of is read by itself. */
  readonly nodes: ReadonlyMap<string, KnownNode> | null;
  readonly rules: () => Promise<TaintRules | null>;
}

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
  readonly #isComplete: () => boolean;
  readonly #due = new Map<string, Due>();
  /** What each node was found or made to say; agents renew their inventories far more often than these change. */
  readonly #told = new Map<string, string>();
  #wake = new AbortController();

  /** `isComplete`: every inventory was read, so that a node that is not among `devices` has none. */
  constructor(
    transport: Pick<KubeTransport, 'request'>,
    clock: Clock,
    log: Log,
    instance: string,
    devices: DevicesByNode,
    isComplete: () => boolean = () => true,
  ) {
    this.#transport = transport;
    this.#clock = clock;
    this.#log = log;
    this.#instance = instance;
    this.#devices = devices;
    this.#isComplete = isComplete;
    this.#taints = new DeviceTaints(transport, clock, log);
  }

  /** The devices of this node may have changed. Only takes a note; a node that could not be told keeps its pause. */
  changed(nodeName: string): void {
    if (this.#due.has(nodeName)) return;
    this.#due.set(nodeName, { at: this.#clock.now(), backoff: new Backoff(BACKOFF) });
    this.#wake.abort();
  }

  /** Keeps the nodes told until aborted; never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    let resyncAt = Number.NEGATIVE_INFINITY;
    while (!signal.aborted) {
      this.#wake = new AbortController();
      const isResync = this.#clock.now() >= resyncAt && this.#isComplete();
      if (isResync) {
        this.#told.clear();
        for (const node of this.#devices.keys()) this.changed(node);
        resyncAt = this.#clock.now() + RESYNC_MS;
      }
      await this.#round(isResync, signal);
      const now = this.#clock.now();
      const resyncMs = Math.max(resyncAt - now, COMPLETE_MS);
      const dueMs = [...this.#due.values()].map(({ at }) => Math.max(0, at - now));
      await this.#clock.sleep(Math.min(resyncMs, ...dueMs), AbortSignal.any([signal, this.#wake.signal]));
    }
  }

  /** Tells every node whose time has come; at a resync also those of which no inventory tells any more. */
  async #round(isResync: boolean, signal: AbortSignal): Promise<void> {
    let rules: Promise<TaintRules | null> | null = null;
    const nodes = isResync ? await this.#allNodes(signal) : null;
    const round: Round = { nodes, rules: () => (rules ??= this.#taints.rules(signal)) };
    const now = this.#clock.now();
    const due = new Map([...this.#due].filter(([, { at }]) => at <= now));
    for (const [node, { backoff }] of due) {
      this.#due.delete(node);
      await this.#try(node, backoff, signal, () => this.#tell(node, round, signal));
    }
    if (nodes === null) return;
    for (const node of await this.#leftOver(nodes, round, signal)) {
      if (due.has(node)) continue;
      await this.#try(node, new Backoff(BACKOFF), signal, () => this.#tell(node, round, signal));
    }
  }

  async #try(node: string, backoff: Backoff, signal: AbortSignal, tell: () => Promise<void>): Promise<void> {
    try {
      await tell();
    } catch (error) {
      if (signal.aborted) return;
      this.#log.warn({ node, cause: describeError(error) }, 'the health of a node is not told');
      this.#due.set(node, { at: this.#clock.now() + backoff.next(), backoff });
    }
  }

  /** null: they cannot be listed, so each is read by itself. */
  async #allNodes(signal: AbortSignal): Promise<Map<string, KnownNode> | null> {
    try {
      const nodes = await listAll(this.#transport, NODES, knownNode, {}, signal);
      return new Map(nodes.map((node) => [node.metadata.name, node]));
    } catch (error) {
      if (!signal.aborted) this.#log.warn({ cause: describeError(error) }, 'the nodes cannot be listed');
      return null;
    }
  }

  /** Nodes that still say, or are still tainted for, what an inventory told that is gone, be it before this process began. */
  async #leftOver(
    nodes: ReadonlyMap<string, KnownNode>,
    { rules }: Round,
    signal: AbortSignal,
  ): Promise<Set<string>> {
    const says = ({ status }: KnownNode): boolean =>
      status?.conditions?.some(({ type }) => type === NODE_CONDITION) ?? false;
    const found = new Set([...nodes.values()].filter(says).map(({ metadata }) => metadata.name));
    try {
      for (const { node } of (await rules())?.all ?? []) found.add(node);
    } catch (error) {
      if (!signal.aborted) this.#log.warn({ cause: describeError(error) }, 'the rules cannot be listed');
    }
    return new Set([...found].filter((node) => !this.#devices.has(node)));
  }

  async #tell(nodeName: string, round: Round, signal: AbortSignal): Promise<void> {
    const devices = this.#devices.get(nodeName) ?? null;
    const facts = factsOf(devices);
    const told = JSON.stringify(facts);
    if (this.#told.get(nodeName) === told) return;
    const known = round.nodes === null ? await this.#read(nodeName, signal) : round.nodes.get(nodeName);
    // An inventory may outlive its node.
    if (known !== undefined) await this.#write(known, facts, signal);
    // A node that nobody tells of keeps the taints that it has, until it is gone itself.
    if (devices !== null || known === undefined) {
      const rules = await round.rules();
      if (rules !== null) await this.#taints.settle(rules, nodeName, devices ?? [], signal);
    }
    // Of one that is gone for good nothing is kept.
    if (devices !== null || known !== undefined) this.#told.set(nodeName, told);
  }

  /** undefined: there is no such node. */
  async #read(nodeName: string, signal: AbortSignal): Promise<KnownNode | undefined> {
    const path = `${NODES}/${encodeURIComponent(nodeName)}`;
    try {
      return parseNode(
        await this.#transport.request({ method: 'GET', path, deadlineMs: DEADLINE_MS }, signal),
      );
    } catch (error) {
      if (error instanceof KubeApiError && error.isObjectNotFound(nodeName)) return undefined;
      throw error;
    }
  }

  async #write(known: KnownNode, facts: NodeFacts, signal: AbortSignal): Promise<void> {
    const { name: nodeName, uid } = known.metadata;
    const condition = conditionToWrite(known, facts, this.#clock.wallNow());
    if (condition === null) return;
    await this.#transport.request(
      {
        method: 'PATCH',
        path: `${NODES}/${encodeURIComponent(nodeName)}/status`,
        // Conditions are merged by their type: those of others stay.
        contentType: 'application/strategic-merge-patch+json',
        body: { metadata: { uid }, status: { conditions: [condition] } },
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
