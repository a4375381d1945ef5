import type { CommandRequest, Failure, SessionSnapshot } from '@transship/node-agent/contract';
import { Backoff } from '../backoff.ts';
import type {
  AgentReply,
  Clock,
  EventSink,
  Log,
  MigrationKey,
  MigrationStore,
  StoredMigration,
} from '../reconcile/ports.ts';
import { tellFreed } from './freed.ts';
import { heldSource, mayLeaveTarget, targetNodes, type Verdict, verdictOn } from './verdict.ts';

/** What is asked of the agent of one node. */
export interface LeftoverAgent {
  sessions(
    onlyBound: boolean,
    signal: AbortSignal,
  ): Promise<
    | { readonly kind: 'sessions'; readonly sessions: readonly SessionSnapshot[] }
    | { readonly kind: 'unreachable'; readonly failure: Failure }
  >;
  command(request: CommandRequest, waitMs: number, signal: AbortSignal): Promise<AgentReply>;
}

export interface LeftoverPorts {
  readonly store: Pick<MigrationStore, 'get' | 'raiseFence' | 'patchStatus'>;
  readonly agents: { agent(nodeName: string): LeftoverAgent | null };
  readonly events: EventSink;
  readonly clock: Clock;
  readonly log: Log;
  /** Instance of this operator process. */
  readonly instance: string;
}

/** Between two rounds: nobody waits for these devices but the next migration. Half of it is drawn by lot. */
const ROUND_MS = 120_000;
const WAIT_MS = 2_000;
/** Ended objects that are kept in mind; the oldest are forgotten first, and seen again with the next list of all. */
const MAX_KEPT = 10_000;

/** Between two orders that bring nothing: each raises the fence, and is a write that stays in the record. */
const BACKOFF = { firstMs: ROUND_MS, capMs: 6 * 3_600_000 };
/** A node of which no agent is known for so long is not coming back; one that does is seen with the next list of all. */
const GONE_MS = 24 * 3_600_000;

const ON_THE_WAY: ReadonlySet<string> = new Set(['Discarding', 'Releasing']);
const RELEASE = { kind: 'release', decision: 'Commit' } as const;
const GOALS: ReadonlySet<string> = new Set(['Discarded', 'Released']);

interface Kept {
  readonly key: MigrationKey;
  readonly nodes: Set<string>;
  /** The fence of the record at the last round: somebody who raises it is at work. */
  fence: number | null;
  readonly backoff: Backoff;
  /** No order before then, on the clock. */
  notBefore: number;
  /** A person was told that its agent refuses. */
  isRefusalTold: boolean;
  /** Of none of its nodes that are done with is it known that something is still held there. */
  isFreed: boolean;
}

/** What is known of one node: it holds nothing (any more), it is a person's or nobody's affair, or it is asked again. */
type Asked = 'freed' | 'let be' | 'again';

type Order = Extract<Verdict, { kind: 'discard' | 'release' }>;

/**
 * Ends what ended migrations have left behind: a target or a source whose node was out of service, or whose agent was away,
 * when its object ended without it. Until its agent has answered, each such object is asked after in rounds. What it orders is
 * fenced by a fence that it raises on the ended record, so a person who is at work there is never disturbed unseen.
 */
export class Leftovers {
  readonly #ports: LeftoverPorts;
  readonly #kept = new Map<string, Kept>();
  readonly #told = new Set<string>();
  /** Nodes without a known agent, and since when. */
  readonly #unknown = new Map<string, number>();

  constructor(ports: LeftoverPorts) {
    this.#ports = ports;
  }

  /** How many ended objects are waited for. */
  get size(): number {
    return this.#kept.size;
  }

  /** Takes note of an object as it was read; of no interest unless it has ended and may have left something. */
  note(stored: StoredMigration): void {
    const { uid, key } = stored;
    if (this.#kept.has(uid) || this.#told.has(uid)) return;
    const nodes = new Set([...(mayLeaveTarget(stored) ? targetNodes(stored) : []), ...heldSource(stored)]);
    if (nodes.size === 0) return;
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size < MAX_KEPT) break;
      this.#kept.delete(oldest);
    }
    this.#kept.set(uid, {
      key,
      nodes,
      fence: null,
      backoff: new Backoff(BACKOFF),
      notBefore: Number.NEGATIVE_INFINITY,
      isRefusalTold: false,
      isFreed: true,
    });
  }

  /** Rounds until aborted. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#ports;
    for (;;) {
      await clock.sleep(ROUND_MS * (0.5 + Math.random() / 2), signal);
      if (signal.aborted) return;
      try {
        await this.round(signal);
      } catch (error) {
        if (signal.aborted) return;
        log.warn({ error: String(error) }, 'leftovers could not be looked for');
      }
    }
  }

  /** Asks the agents of all nodes that something may have been left on. */
  async round(signal: AbortSignal): Promise<void> {
    const nodes = new Set([...this.#kept.values()].flatMap((kept) => [...kept.nodes]));
    for (const node of nodes) {
      if (signal.aborted) return;
      const agent = this.#ports.agents.agent(node);
      if (agent === null) {
        this.#isUnknown(node);
        continue;
      }
      this.#unknown.delete(node);
      const answer = await agent.sessions(true, signal);
      if (answer.kind === 'sessions') await this.#askedAfter(node, answer.sessions, signal);
    }
    await this.#close(signal);
  }

  /** Once it has been for long, nothing is waited for there. */
  #isUnknown(node: string): void {
    const now = this.#ports.clock.now();
    const since = this.#unknown.get(node) ?? now;
    for (const oldest of this.#unknown.keys()) {
      if (this.#unknown.size < MAX_KEPT) break;
      this.#unknown.delete(oldest);
    }
    this.#unknown.set(node, since);
    if (now - since < GONE_MS) return;
    for (const [uid, kept] of this.#kept) {
      if (!kept.nodes.delete(node)) continue;
      kept.isFreed = false;
      if (kept.nodes.size === 0) this.#kept.delete(uid);
    }
  }

  async #askedAfter(node: string, sessions: readonly SessionSnapshot[], signal: AbortSignal): Promise<void> {
    const bound = new Map(sessions.map((session) => [session.uid, session]));
    for (const [uid, kept] of this.#kept) {
      if (!kept.nodes.has(node)) continue;
      const session = bound.get(uid);
      const asked = session === undefined ? 'freed' : await this.#tried(kept, node, session, signal);
      if (asked === 'again') continue;
      if (asked === 'let be') kept.isFreed = false;
      kept.nodes.delete(node);
    }
  }

  /** Objects that nothing is waited for any more are told so, and forgotten. */
  async #close(signal: AbortSignal): Promise<void> {
    for (const [uid, kept] of this.#kept) {
      if (kept.nodes.size > 0) continue;
      if (kept.isFreed && !(await this.#freed(uid, kept, signal))) continue;
      this.#kept.delete(uid);
      this.#remember(uid);
    }
  }

  /** False: it could not be told yet. */
  async #freed(uid: string, { key }: Kept, signal: AbortSignal): Promise<boolean> {
    try {
      return await tellFreed(this.#ports.store, { key, uid }, signal);
    } catch (error) {
      if (signal.aborted) throw error;
      this.#ports.log.warn({ uid, error: String(error) }, 'that leftovers were freed could not be written');
      return false;
    }
  }

  /** A record that cannot be read or written holds up nobody but its own target. */
  async #tried(kept: Kept, node: string, session: SessionSnapshot, signal: AbortSignal): Promise<Asked> {
    try {
      return await this.#end(kept, node, session, signal);
    } catch (error) {
      if (signal.aborted) throw error;
      this.#ports.log.warn({ uid: session.uid, node, error: String(error) }, 'a leftover could not be ended');
      return 'again';
    }
  }

  async #end(kept: Kept, node: string, session: SessionSnapshot, signal: AbortSignal): Promise<Asked> {
    const { store, log, events } = this.#ports;
    const stored = await store.get(kept.key, signal);
    // Without its record nobody may say what becomes of it.
    if (stored === null || stored.uid !== session.uid) return 'let be';
    const verdict = verdictOn(stored, node, session);
    if (verdict.kind === 'none') return ON_THE_WAY.has(session.phase) ? 'again' : 'let be';
    const { fence } = stored.status;
    const isQuiet = kept.fence === fence && session.fence <= fence;
    kept.fence = fence;
    if (!isQuiet) return 'again';
    if (verdict.kind === 'person') {
      const { code: reason, message } = verdict.failure;
      log.error({ uid: session.uid, node, phase: session.phase, code: reason }, message);
      events.publish(stored, { type: 'Warning', reason, message });
      return 'let be';
    }
    const now = this.#ports.clock.now();
    if (now < kept.notBefore) return 'again';
    const raised = await store.raiseFence(stored, this.#ports.instance, signal);
    if (raised.kind !== 'written') return 'again';
    kept.fence = raised.stored.status.fence;
    const outcome = await this.#order(node, session, kept.fence, verdict, signal);
    if (outcome === 'freed') return outcome;
    kept.notBefore = now + kept.backoff.next();
    if (outcome !== 'again' && !kept.isRefusalTold) {
      const { code: reason, message } = outcome.refusal;
      const note = `the ${session.role} on ${node} that this migration left is ${session.phase} and refuses to be reset: ${message}; it is asked again, look at its agent`;
      events.publish(stored, { type: 'Warning', reason, message: note });
      kept.isRefusalTold = true;
    }
    return 'again';
  }

  async #order(
    node: string,
    { uid, role, phase, ticket }: SessionSnapshot,
    fence: number,
    verdict: Order,
    signal: AbortSignal,
  ): Promise<'freed' | 'again' | { readonly refusal: Pick<Failure, 'code' | 'message'> }> {
    const { agents, instance, log } = this.#ports;
    const header = { uid, fence, sequence: 1, operator: instance, ticket };
    const command = verdict.kind === 'release' ? RELEASE : verdict;
    const reply = await agents.agent(node)?.command({ header, role, command }, WAIT_MS, signal);
    if (reply?.kind !== 'session') return 'again';
    const facts = { uid, node, role, fence, ...command, before: phase, phase: reply.session.phase };
    if (reply.refusal !== null) log.warn({ ...facts, refusal: reply.refusal }, 'a leftover was not reset');
    else log.info(facts, 'what an ended migration had left was told to reset');
    if (GOALS.has(reply.session.phase)) return 'freed';
    return reply.refusal === null ? 'again' : { refusal: reply.refusal };
  }

  /** What was settled is not taken up again with the next list of all objects. */
  #remember(uid: string): void {
    for (const oldest of this.#told) {
      if (this.#told.size < MAX_KEPT) break;
      this.#told.delete(oldest);
    }
    this.#told.add(uid);
  }
}
