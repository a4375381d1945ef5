import { isTerminal } from '@transship/crds';
import { decide, noted, statusOf, unfinished, type Action } from '../core/index.ts';
import { fencedLeft, isSourceFenced, isTargetFenced } from './fencing.ts';
import { leftBehind, withoutSource } from './left-behind.ts';
import { look } from './observe.ts';
import { askAgain, perform, type Performed } from './perform.ts';
import type { MigrationKey, ReconcileResult, ReconcilerPorts, StoredMigration } from './ports.ts';
import { lostPod, toldOfPods, withPods } from './pods.ts';
import { withRemedy } from './remedy.ts';
import { changed } from './status-change.ts';
import { withTold } from './told.ts';
import { Voyage } from './voyage.ts';

/** One call walks at most this many steps: the longest voyage has about twenty. */
const MAX_STEPS = 64;
/** Progress is written for people, who do not read faster. */
const PROGRESS_EVERY_MS = 1_000;

/**
 * The loop around the pure decisions: read the record, decide, act, and again until nothing is left to do or
 * only an observation can help. Holds one Voyage per migration; losing them all is harmless.
 */
export class Reconciler {
  readonly #ports: ReconcilerPorts;
  readonly #voyages = new Map<string, Voyage>();

  constructor(ports: ReconcilerPorts) {
    this.#ports = ports;
  }

  /** Takes one migration as far as it goes now. Never runs twice at once for a key (the queue sees to it). */
  async reconcile(key: MigrationKey, signal: AbortSignal): Promise<ReconcileResult> {
    const { store, clock } = this.#ports;
    let stored = await store.get(key, signal);
    if (stored === null) return this.#gone(key);
    this.#ports.onRead?.(stored);
    this.#vanished(key, stored.uid);
    const voyage = this.#voyage(key, stored);
    askAgain(voyage, clock.now());
    for (let step = 0; step < MAX_STEPS && !signal.aborted; step += 1) {
      voyage.targetFenced = await isTargetFenced(this.#ports, stored, voyage, signal);
      voyage.sourceFenced = await isSourceFenced(this.#ports, stored, voyage, signal);
      voyage.leftFenced = await fencedLeft(this.#ports, stored, voyage, signal);
      voyage.memory = noted(voyage.memory, stored.status.decision.value);
      voyage.lostPod = await lostPod(this.#ports, stored, voyage, signal);
      voyage.stored = stored;
      const observed = look(stored, voyage, clock.now());
      const decided = withoutSource(decide(observed), observed);
      const gated = await withPods(this.#ports, stored, voyage, decided, signal);
      const { action } = gated;
      const reported = action.kind === 'finish' || action.kind === 'recordPlacement';
      const performed: Performed =
        gated.performed ?? (await perform(this.#ports, stored, voyage, action, signal));
      if (action.kind === 'yield') {
        this.#forget(key);
        return { kind: 'requeue', afterMs: PROGRESS_EVERY_MS };
      }
      if (reported || performed.kind !== 'again') {
        const patched = await this.#report(stored, voyage, action, signal);
        if (reported && patched !== null) {
          stored = patched;
          continue;
        }
        return this.#result(performed, reported, key);
      }
      const next: StoredMigration | null = performed.stored ?? (await store.get(key, signal));
      if (next === null) return this.#gone(key);
      if (next.uid !== stored.uid) {
        // Created again under its name: nothing that is known of the one before holds for it.
        this.#vanished(key, next.uid);
        return { kind: 'requeue', afterMs: 0 };
      }
      stored = next;
    }
    return { kind: 'requeue', afterMs: 0 };
  }

  /** Forgets everything; the observers end. */
  close(): void {
    for (const voyage of this.#voyages.values()) voyage.forget();
    this.#voyages.clear();
  }

  #voyage(key: MigrationKey, stored: StoredMigration): Voyage {
    const name = `${key.namespace}/${key.name}/${stored.uid}`;
    const known = this.#voyages.get(name);
    if (known !== undefined) return known;
    const voyage = new Voyage();
    this.#voyages.set(name, voyage);
    return voyage;
  }

  #gone(key: MigrationKey): ReconcileResult {
    this.#vanished(key, null);
    return { kind: 'done' };
  }

  /** Objects of this name but the one with `uid` are no more. */
  #vanished(key: MigrationKey, uid: string | null): void {
    for (const [of, { stored, isStopped }] of this.#voyagesOf(key))
      if (of !== uid && stored !== null && isStopped) this.#tellVanished(stored);
    this.#forget(key, uid);
  }

  /**
   * Says that an object is gone whose set is stopped: without a record nobody may let such a set go on. The agent keeps it
   * as it is, and the nodes are where a person will look.
   */
  #tellVanished(stored: StoredMigration): void {
    const { log, events, metrics } = this.#ports;
    const { key, uid } = stored;
    const message = `DeviceMigration ${key.name} (UID ${uid}) is gone while its set is stopped on the source node; only transship recover can end that.`;
    log.error({ ...key, uid, code: 'RecordMissing' }, 'a migration vanished with its set stopped');
    events.publish(stored, { type: 'Warning', reason: 'RecordMissing', message });
    metrics.stoppedSetVanished();
  }

  /** By UID. */
  #voyagesOf({ namespace, name }: MigrationKey): [string, Voyage][] {
    const prefix = `${namespace}/${name}/`;
    const own = [...this.#voyages].filter(([id]) => id.startsWith(prefix));
    return own.map(([id, voyage]) => [id.slice(prefix.length), voyage]);
  }

  #forget(key: MigrationKey, but: string | null = null): void {
    for (const [uid, voyage] of this.#voyagesOf(key)) {
      if (uid === but) continue;
      voyage.forget();
      this.#ports.reservation.release(uid);
      this.#voyages.delete(`${key.namespace}/${key.name}/${uid}`);
    }
  }

  #result(performed: Performed, reported: boolean, key: MigrationKey): ReconcileResult {
    if (performed.kind === 'wait') return { kind: 'requeue', afterMs: performed.afterMs };
    if (reported) return { kind: 'requeue', afterMs: PROGRESS_EVERY_MS };
    this.#forget(key);
    return { kind: 'done' };
  }

  /** The one status patch: only when something changed, and progress alone not more often than it is read. */
  async #report(
    stored: StoredMigration,
    voyage: Voyage,
    action: Action,
    signal: AbortSignal,
  ): Promise<StoredMigration | null> {
    const { store, clock, events, metrics, log } = this.#ports;
    if (stored.status.completedAt !== undefined) return null;
    if (voyage.memory.held === null && action.kind !== 'finish' && action.kind !== 'stall') return null;
    const now = clock.now();
    const observed = look(stored, voyage, now);
    const facts = statusOf({
      observed,
      action,
      before: stored.status,
      generation: stored.generation,
      now: clock.wallNow().toISOString(),
      bytesPerSecond: voyage.bytesPerSecond(now),
      downtime: this.#downtime(stored, voyage),
    });
    const behind = leftBehind(stored, { action, source: observed.source }, voyage.leftPatience.spent);
    const at = { generation: stored.generation, now: clock.wallNow().toISOString() };
    const conditions = withTold(
      withRemedy(facts.conditions, stored, observed),
      [...toldOfPods(stored, voyage), ...behind],
      stored.status,
      at,
    );
    const status = { ...facts, conditions };
    const difference = changed(stored.status, status);
    if (difference.kind === 'none') return null;
    const early = now - voyage.lastPatchAt < PROGRESS_EVERY_MS;
    if (difference.kind === 'progress' && early && action.kind !== 'recordPlacement') return null;
    const outcome = await store.patchStatus(stored, difference.patch, signal);
    if (outcome.kind === 'ambiguous' && action.kind === 'finish') voyage.memory = unfinished(voyage.memory);
    if (outcome.kind !== 'written') {
      log.warn({ uid: stored.uid, outcome: outcome.kind }, 'status was not written');
      return null;
    }
    voyage.lastPatchAt = now;
    if (status.phase !== stored.status.phase) {
      metrics.phaseEntered(status.phase);
      const bad = status.phase === 'Failed' || status.phase === 'Rejected';
      const message = status.conditions.find(({ type }) => type === 'Ready')?.message ?? status.phase;
      events.publish(stored, { type: bad ? 'Warning' : 'Normal', reason: status.phase, message });
    }
    for (const { type: reason, message } of behind)
      events.publish(stored, { type: 'Warning', reason, message });
    if (isTerminal(status.phase)) metrics.migrationEnded(status.phase, voyage.downtimeMs);
    return outcome.stored;
  }

  /** Measured by this process from the freeze on; else estimated from the record's clock. */
  #downtime(
    stored: StoredMigration,
    { downtimeMs, memory }: Voyage,
  ): { ms: number; estimated: boolean } | null {
    if (downtimeMs !== null) return { ms: Math.max(1, Math.round(downtimeMs)), estimated: false };
    const { stopping, downtime } = stored.status;
    const running = memory.target.kind === 'session' && memory.target.session.phase === 'Active';
    if (!running || stopping === undefined || downtime !== undefined) return null;
    const ms = this.#ports.clock.wallNow().getTime() - Date.parse(stopping.at);
    return { ms: Math.max(1, ms), estimated: true };
  }
}
