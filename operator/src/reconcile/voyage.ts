import type { Failure, Role, SessionSnapshot } from '@transship/node-agent/contract';
import { freshMemory, observed, replied, retargeted, type Memory, type Sample } from '../core/index.ts';
import { LeftPatience } from './left-patience.ts';
import { Pace } from './pace.ts';
import type { StoredMigration } from './ports.ts';
import { QuiescePause } from './quiesce-pause.ts';
import { SilentDevices } from './silent-devices.ts';
import { SilentWorkload } from './silent-workload.ts';
import type { Told } from './told.ts';

/** How many looks at the streams are kept to judge convergence and the rate; one every quarter second. */
const MAX_SAMPLES = 240;
const SAMPLE_EVERY_MS = 250;
const RATE_WINDOW_MS = 3_000;

type SessionPhase = SessionSnapshot['phase'];
/** Of a source that was told what is decided: it goes on alone, whatever becomes of the record. */
const TOLD = new Set<SessionPhase>(['RollingBack', 'Restarting', 'RolledBack', 'Releasing', 'Released']);

/**
 * What this process remembers of one migration between two looks at it: the pure memory of the decisions,
 * and measurements. All of it may be lost at any moment without harm.
 */
export class Voyage {
  memory: Memory = freshMemory;
  /** The object as it was read or written last. */
  stored: StoredMigration | null = null;
  /** When the freeze was asked for, monotonic milliseconds. */
  frozenAt: number | null = null;
  downtimeMs: number | null = null;
  lastPatchAt = Number.NEGATIVE_INFINITY;
  /** Consecutive answers that brought nothing; paces the next try. */
  setbacks = 0;
  /** When each side was heard of last, monotonic milliseconds. */
  readonly heardAt = new Map<Role, number>();
  /** Since when each side has not answered. */
  readonly silentSince = new Map<Role, number>();
  /** The node of the target, which does not answer, is marked as shut down. */
  targetFenced = false;
  /** The same of the source. */
  sourceFenced = false;
  placementSince: number | null = null;
  /** A pod that holds devices of one side is going. */
  lostPod: (Failure & { readonly of: Role }) | null = null;
  /** When the pods were looked at last, monotonic milliseconds. */
  podsSeenAt = Number.NEGATIVE_INFINITY;
  /** What is to be told of the target pod; null: as it is on record. */
  targetPod: Told | null = null;
  readonly pace = new Pace();
  readonly silentDevices = new SilentDevices();
  readonly quiescePause = new QuiescePause();
  readonly silentWorkload = new SilentWorkload();
  readonly leftPatience = new LeftPatience();
  /** Nodes of targets that were left, do not answer, and are marked as shut down. */
  leftFenced: ReadonlySet<string> = new Set();
  /** Ends the observe streams. */
  readonly #observers = new Map<Role, AbortController>();
  #samples: Sample[] = [];
  #sampledPhase: SessionPhase | null = null;
  /** Where the source was seen last; it may be silent since. */
  #sourcePhase: SessionPhase | null = null;
  readonly #newest = new Map<Role, { readonly instance: string; readonly version: number }>();

  /**
   * As far as this process knows the source is stopped, and runs again only as it is recorded. The stop is recorded
   * before it is ordered, so a source that does not say where it is counts from then on.
   */
  get isStopped(): boolean {
    const seen = this.#sourcePhase;
    if (seen === 'Stopping' || seen === 'Stopped') return true;
    const status = this.stored?.status;
    const mayBe = status?.stopping !== undefined && status.completedAt === undefined;
    return mayBe && (seen === null || !TOLD.has(seen));
  }

  /** Snapshots overtake each other on the way; within one agent process the higher version is newer. */
  isNews(role: Role, { agentInstance, version }: SessionSnapshot): boolean {
    const newest = this.#newest.get(role);
    if (newest?.instance === agentInstance && newest.version >= version) return false;
    this.#newest.set(role, { instance: agentInstance, version });
    return true;
  }

  /** Takes an answer in. A snapshot may have overtaken it: then only what the answer alone can say is taken. */
  answered(role: Role, session: SessionSnapshot, refusal: Failure | null): void {
    const known = this.memory[role];
    const isOvertaken = !this.isNews(role, session) && known.kind === 'session';
    const taken = replied(this.memory, role, session, refusal);
    if (!isOvertaken || taken.superseded) this.memory = taken;
    // What was seen does not come again.
    else if (refusal !== null) this.memory = replied(this.memory, role, known.session, refusal);
    this.#noteSource();
  }

  see(role: Role, snapshot: SessionSnapshot): boolean {
    if (!this.isNews(role, snapshot)) return false;
    const before = this.memory;
    this.memory = observed(before, role, snapshot);
    this.#noteSource();
    return this.memory !== before;
  }

  /** Notes where the streams are; bytes counted where they arrive, what is left where it comes from. */
  sample(now: number): void {
    const { source, target } = this.memory;
    if (source.kind !== 'session' || target.kind !== 'session') return;
    const { phase } = source.session;
    // What was before all devices were in pre-copy says nothing of it.
    if (phase === 'PreCopy' && this.#sampledPhase !== phase) this.#samples = [];
    this.#sampledPhase = phase;
    const last = this.#samples.at(-1);
    if (last !== undefined && now - last.at < SAMPLE_EVERY_MS) return;
    const bytes = target.session.streams.reduce((sum, { totals }) => sum + totals.bytes, 0);
    const { streams } = source.session;
    const pending = streams.reduce((sum, each) => sum + each.pendingBytes + each.stopCopyBytes, 0);
    const initialPending = streams.some((stream) => stream.initialPending);
    const devices = streams.filter(({ totals }) => totals.kind === 'device');
    const begun = devices.every(({ totals }) => totals.bytes > 0);
    // A new generation starts from nothing.
    if (last !== undefined && bytes < last.bytes) this.#samples = [];
    this.#samples.push({ at: now, bytes, pending, initialPending, begun });
    if (this.#samples.length > MAX_SAMPLES) this.#samples.shift();
  }

  /** Looks since pre-copy began in this process; empty outside of it. */
  preCopySamples(): readonly Sample[] {
    const { source } = this.memory;
    return source.kind === 'session' && source.session.phase === 'PreCopy' ? this.#samples : [];
  }

  bytesPerSecond(now: number): number {
    const last = this.#samples.at(-1);
    const begin = this.#samples.find(({ at }) => now - at <= RATE_WINDOW_MS);
    if (last === undefined || begin === undefined || last.at === begin.at) return 0;
    return ((last.bytes - begin.bytes) * 1000) / (last.at - begin.at);
  }

  /** Begins to follow a session, until the returned signal is aborted; null: it is followed already. */
  follow(role: Role): AbortSignal | null {
    if (this.#observers.has(role)) return null;
    const observer = new AbortController();
    this.#observers.set(role, observer);
    return observer.signal;
  }

  /** Another target takes the set from here on: nothing that was seen or measured of the one before counts. */
  leaveTarget(fence: number): void {
    this.memory = retargeted(this.memory, fence);
    this.#observers.get('target')?.abort();
    this.#observers.delete('target');
    this.#newest.delete('target');
    this.silentSince.delete('target');
    this.targetFenced = false;
    this.placementSince = null;
  }

  forget(): void {
    for (const observer of this.#observers.values()) observer.abort();
  }

  #noteSource(): void {
    const { source } = this.memory;
    if (source.kind === 'session') this.#sourcePhase = source.session.phase;
  }
}
