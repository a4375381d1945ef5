import type { Failure, Role, SessionSnapshot } from '@transship/node-agent/contract';
import { decide, freshMemory } from '../core/index.ts';
import { look as observe } from '../reconcile/observe.ts';
import type { MigrationKey, StoredMigration } from '../reconcile/ports.ts';
import { targetNodeOf } from '../reconcile/target-node.ts';
import { Voyage } from '../reconcile/voyage.ts';
import type { FoundDevice, FoundMigration, FoundOrphan, NodeSessions, Side } from './plan/found.ts';
import type { RecoveryAgent, RecoveryPorts, Unreachable } from './ports.ts';

/** How long one agent may take to say what it knows, milliseconds; and one that did not answer before. */
const ASK_MS = 20_000;
const ASK_AGAIN_MS = 3_000;

const unknownNode = (node: string): Failure => ({
  code: 'NodeUnknown',
  message: `no agent of node ${node} is known; name it with --agent`,
  device: null,
});

/** Looks at the world for one run; remembers who was silent, so that the dead are not waited for again and again. */
export class Lookout {
  readonly #ports: RecoveryPorts;
  readonly #silent = new Set<string>();

  constructor(ports: RecoveryPorts) {
    this.#ports = ports;
  }

  /**
   * null: there is no such migration, or its manifest was refused.
   * The sessions are read before the record: a fence above that of the record cannot come from a race then.
   */
  async migration(
    key: MigrationKey,
    held: number | null,
    signal: AbortSignal,
  ): Promise<FoundMigration | null> {
    const { store } = this.#ports;
    const before = await store.get(key, signal);
    if (before === null || !before.spec.ok) return null;
    const from = before.spec.value.source.nodeName;
    const to = targetNodeOf(before.spec.value, before.status);
    const [source, target] = await Promise.all([
      this.#side(from, before.uid, 'source', signal),
      this.#side(to, before.uid, 'target', signal),
    ]);
    const record = await store.get(key, signal);
    if (record === null || record.uid !== before.uid) return null;
    return { kind: 'migration', record, held, source, target };
  }

  /** Sessions of the UID on every known node, and the object of that UID when there is one. */
  async orphan(uid: string, node: string, held: number | null, signal: AbortSignal): Promise<FoundOrphan> {
    const names = [...new Set([node, ...this.#ports.nodes()])];
    const nodes = await Promise.all(names.map((name) => this.#sessions(name, uid, signal)));
    const record = await this.#ports.find(uid, signal);
    return { kind: 'orphan', uid, record, stalled: this.#stalled(record, nodes), held, nodes };
  }

  async device(node: string, device: string, signal: AbortSignal): Promise<FoundDevice> {
    const described = await this.#ask(node, signal, (agent, limit) => agent.describe([device], limit));
    if (described.kind === 'unreachable') return { kind: 'silent', node, failure: described.failure };
    const found = described.devices.find(({ id }) => id === device);
    if (found === undefined) return { kind: 'unknown', node };
    const { state, health, migrationUid: boundBy, quarantine } = found;
    return { kind: 'device', node, state, health, boundBy, quarantine: quarantine ?? null };
  }

  async #side(node: string, uid: string, role: Role, signal: AbortSignal): Promise<Side> {
    const answer = await this.#ask(node, signal, (agent, limit) => agent.session(uid, role, limit));
    if (answer.kind === 'unreachable') return { kind: 'silent', node, failure: answer.failure };
    return { kind: 'session', node, session: answer.session };
  }

  async #sessions(node: string, uid: string, signal: AbortSignal): Promise<NodeSessions> {
    const answer = await this.#ask(node, signal, (agent, limit) => agent.sessions(false, limit));
    if (answer.kind === 'unreachable') return { kind: 'silent', node, failure: answer.failure };
    return { kind: 'sessions', node, sessions: answer.sessions.filter((one) => one.uid === uid) };
  }

  async #ask<Answer>(
    node: string,
    signal: AbortSignal,
    call: (agent: RecoveryAgent, limit: AbortSignal) => Promise<Answer | Unreachable>,
  ): Promise<Answer | Unreachable> {
    const agent = this.#ports.agent(node);
    if (agent === null) return { kind: 'unreachable', failure: unknownNode(node) };
    const ms = this.#silent.has(node) ? ASK_AGAIN_MS : ASK_MS;
    const deadline = AbortSignal.timeout(ms);
    let answer: Answer | Unreachable;
    try {
      answer = await call(agent, AbortSignal.any([signal, deadline]));
    } catch (error) {
      signal.throwIfAborted();
      if (!deadline.aborted) throw error;
      const message = `the agent of ${node} did not answer within ${ms / 1000} s`;
      answer = { kind: 'unreachable', failure: { code: 'AgentUnreachable', message, device: null } };
    }
    if (isUnreachable(answer)) this.#silent.add(node);
    else this.#silent.delete(node);
    return answer;
  }

  /** What the operator itself would say of the object, from what the agents say now; null: it would go on. */
  #stalled(record: StoredMigration | null, nodes: readonly NodeSessions[]): Failure | null {
    if (record === null || record.status.completedAt !== undefined) return null;
    const voyage = new Voyage();
    voyage.memory = {
      ...freshMemory,
      held: record.status.fence,
      source: sideOf(nodes, record.uid, 'source'),
      target: sideOf(nodes, record.uid, 'target'),
    };
    const action = decide(observe(record, voyage, this.#ports.clock.now()));
    return action.kind === 'stall' ? action.failure : null;
  }
}

function isUnreachable(answer: unknown): answer is Unreachable {
  return (answer as { readonly kind?: unknown }).kind === 'unreachable';
}

function sideOf(nodes: readonly NodeSessions[], uid: string, role: Role): Voyage['memory']['source'] {
  const found = nodes
    .flatMap((one) => (one.kind === 'sessions' ? one.sessions : []))
    .find((session: SessionSnapshot) => session.uid === uid && session.role === role);
  if (found !== undefined) return { kind: 'session', session: found, refusal: null };
  const message = `no node that answers has the ${role}`;
  return { kind: 'unreachable', failure: { code: 'AgentUnreachable', message, device: null } };
}
