import { Backoff, type BackoffOptions } from '../backoff.ts';
import type { Clock, MigrationKey, ReconcileResult } from './ports.ts';

/** Told what happens, for metrics and logs. Times in milliseconds. */
export interface QueueObserver {
  added(depth: number): void;
  started(key: MigrationKey, waitedMs: number, depth: number): void;
  finished(key: MigrationKey, tookMs: number, result: ReconcileResult): void;
  failed(key: MigrationKey, tookMs: number, error: unknown, retryInMs: number): void;
}

export interface WorkQueueOptions {
  readonly clock: Clock;
  /** A throw asks for another run after a pause that grows. */
  readonly run: (key: MigrationKey, signal: AbortSignal) => Promise<ReconcileResult>;
  /** Keys that run at the same time. */
  readonly concurrency: number;
  readonly backoff: BackoffOptions;
  /**
   * A key that failed is not run again sooner than this, however often it is added: what a failing run itself changes
   * comes back as a change, and would make it run in a circle. Milliseconds.
   */
  readonly minFailureGapMs: number;
  readonly observer: QueueObserver;
}

/** A key is in exactly one place. */
type Place =
  | { readonly kind: 'ready'; readonly since: number }
  | { readonly kind: 'running'; again: boolean }
  | {
      readonly kind: 'delayed';
      readonly dueAt: number;
      readonly notBefore: number;
      readonly timer: AbortController;
    };

interface Entry {
  readonly key: MigrationKey;
  readonly backoff: Backoff;
  place: Place;
}

/**
 * Runs keys: each by one worker at a time, once however often it was added meanwhile, and again at once when it was added
 * while it ran. Not a list of changes: what a run does it reads from the world.
 */
export class WorkQueue {
  readonly #options: WorkQueueOptions;
  readonly #entries = new Map<string, Entry>();
  readonly #ready: Entry[] = [];
  readonly #stopping = new AbortController();
  readonly #running = new Set<Promise<void>>();

  constructor(options: WorkQueueOptions) {
    this.#options = options;
  }

  /** Keys that are ready to run and wait for a worker. */
  get depth(): number {
    return this.#ready.length;
  }

  /** Runs the key soon. */
  add(key: MigrationKey): void {
    if (this.#stopping.signal.aborted) return;
    const entry = this.#entries.get(keyName(key));
    if (entry === undefined) {
      const fresh: Entry = { key, backoff: new Backoff(this.#options.backoff), place: this.#readyNow() };
      this.#entries.set(keyName(key), fresh);
      this.#enqueue(fresh);
    } else if (entry.place.kind === 'running') {
      entry.place.again = true;
    } else if (entry.place.kind === 'delayed') {
      this.#hurry(entry, entry.place);
    }
  }

  /** Takes no more keys, aborts what runs, and waits until all of it has returned. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    for (const { place } of this.#entries.values()) if (place.kind === 'delayed') place.timer.abort();
    this.#ready.length = 0;
    await Promise.allSettled(this.#running);
    this.#entries.clear();
  }

  #hurry(entry: Entry, place: Place & { kind: 'delayed' }): void {
    const waitMs = place.notBefore - this.#options.clock.now();
    if (waitMs <= 0) this.#makeReady(entry, place);
    else if (place.dueAt > place.notBefore) {
      place.timer.abort();
      this.#delay(entry, waitMs, waitMs);
    }
  }

  #readyNow(): Place {
    return { kind: 'ready', since: this.#options.clock.now() };
  }

  #makeReady(entry: Entry, place: Place & { kind: 'delayed' }): void {
    place.timer.abort();
    entry.place = this.#readyNow();
    this.#enqueue(entry);
  }

  #enqueue(entry: Entry): void {
    this.#ready.push(entry);
    this.#options.observer.added(this.#ready.length);
    this.#startNext();
  }

  #startNext(): void {
    while (this.#running.size < this.#options.concurrency && !this.#stopping.signal.aborted) {
      const entry = this.#ready.shift();
      if (entry === undefined) return;
      const run = this.#run(entry).finally(() => {
        this.#running.delete(run);
        this.#startNext();
      });
      this.#running.add(run);
    }
  }

  /** Never rejects. */
  async #run(entry: Entry): Promise<void> {
    const { clock, run, observer, minFailureGapMs } = this.#options;
    const startedAt = clock.now();
    const waitedMs = entry.place.kind === 'ready' ? startedAt - entry.place.since : 0;
    const place: Place = { kind: 'running', again: false };
    entry.place = place;
    observer.started(entry.key, waitedMs, this.#ready.length);
    try {
      const result = await run(entry.key, this.#stopping.signal);
      observer.finished(entry.key, clock.now() - startedAt, result);
      entry.backoff.reset();
      this.#settle(entry, place.again ? { kind: 'requeue', afterMs: 0 } : result);
    } catch (error) {
      const pauseMs = entry.backoff.next();
      const retryMs = place.again ? Math.min(pauseMs, minFailureGapMs) : pauseMs;
      observer.failed(entry.key, clock.now() - startedAt, error, retryMs);
      this.#delay(entry, retryMs, Math.min(pauseMs, minFailureGapMs));
    }
  }

  #settle(entry: Entry, result: ReconcileResult): void {
    if (this.#stopping.signal.aborted) return;
    if (result.kind === 'done') this.#entries.delete(keyName(entry.key));
    else if (result.afterMs > 0) this.#delay(entry, result.afterMs, 0);
    else {
      entry.place = this.#readyNow();
      this.#ready.push(entry);
      this.#options.observer.added(this.#ready.length);
    }
  }

  #delay(entry: Entry, ms: number, notBeforeMs: number): void {
    const { clock } = this.#options;
    if (this.#stopping.signal.aborted) return;
    const timer = new AbortController();
    const place: Place = {
      kind: 'delayed',
      dueAt: clock.now() + ms,
      notBefore: clock.now() + notBeforeMs,
      timer,
    };
    entry.place = place;
    void clock.sleep(ms, timer.signal).then(() => {
      if (entry.place === place && !timer.signal.aborted) this.#makeReady(entry, place);
    });
  }
}

function keyName({ namespace, name }: MigrationKey): string {
  return `${namespace}/${name}`;
}
