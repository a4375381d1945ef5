import type { Clock, EventSink, Log, StoredMigration } from '../reconcile/ports.ts';
import { describeError } from '../telemetry/log.ts';
import { KubeApiError } from './api-error.ts';
import {
  eventObject,
  namespaceOf,
  type ObjectReference,
  objectsOf,
  type PublishedEvent,
} from './event-objects.ts';
import { microTime } from './micro-time.ts';
import type { KubeTransport } from './transport.ts';

const DEADLINE_MS = 5_000;
/** Not yet sent; more are dropped, since an event is news and never a record. */
const MAX_QUEUED = 256;
/** Token bucket: bursts of a few migrations pass, a loop that repeats itself does not. */
const BURST = 50;
const PER_SECOND = 5;
/** The same event again within this time raises the count of the first one. */
const SERIES_MS = 6 * 60_000;
const MAX_SERIES = 512;

interface Outgoing {
  readonly regarding: ObjectReference;
  readonly stored: StoredMigration;
  readonly event: PublishedEvent;
}

interface Series {
  readonly name: string;
  readonly startedAt: number;
  count: number;
}

/** Publishes to events.k8s.io/v1 in the background, at a bounded rate; a failure is logged and forgotten. */
export class KubeEventSink implements EventSink {
  readonly #transport: KubeTransport;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #instance: string;
  readonly #closed = new AbortController();
  readonly #queue: Outgoing[] = [];
  readonly #series = new Map<string, Series>();
  #pumping = false;
  #dropped = 0;
  #tokens = BURST;
  #tokensAt: number;

  constructor(transport: KubeTransport, clock: Clock, log: Log, instance: string) {
    this.#transport = transport;
    this.#clock = clock;
    this.#log = log;
    this.#instance = instance;
    this.#tokensAt = clock.now();
  }

  publish(stored: StoredMigration, event: PublishedEvent): void {
    for (const regarding of objectsOf(stored)) {
      if (this.#queue.length < MAX_QUEUED) this.#queue.push({ regarding, stored, event });
      else this.#dropped += 1;
    }
    if (!this.#pumping) void this.#pump();
  }

  /** Drops what has not been sent. */
  close(): void {
    this.#closed.abort();
  }

  async #pump(): Promise<void> {
    this.#pumping = true;
    const { signal } = this.#closed;
    for (let next = this.#queue.shift(); next !== undefined && !signal.aborted; next = this.#queue.shift()) {
      await this.#takeToken(signal);
      try {
        await this.#send(next, signal);
      } catch (error) {
        if (!signal.aborted)
          this.#log.warn({ reason: next.event.reason, cause: describeError(error) }, 'event not sent');
      }
    }
    if (this.#dropped > 0)
      this.#log.warn({ dropped: this.#dropped }, 'events were dropped: too many at once');
    this.#dropped = 0;
    this.#pumping = false;
  }

  async #send(outgoing: Outgoing, signal: AbortSignal): Promise<void> {
    const { regarding, stored, event } = outgoing;
    const seriesKey = [
      stored.uid,
      regarding.kind,
      regarding.name,
      event.type,
      event.reason,
      event.message,
    ].join('\n');
    const series = this.#series.get(seriesKey);
    if (series !== undefined && this.#clock.now() - series.startedAt < SERIES_MS) {
      if (await this.#repeat(regarding, series, signal)) return;
    }
    const body = eventObject(regarding, stored, event, this.#instance, this.#clock.wallNow());
    const path = eventsPath(regarding);
    await this.#transport.request({ method: 'POST', path, body, deadlineMs: DEADLINE_MS }, signal);
    this.#remember(seriesKey, { name: body.metadata.name, startedAt: this.#clock.now(), count: 1 });
  }

  /** False when the first event has expired at the API server meanwhile. */
  async #repeat(regarding: ObjectReference, series: Series, signal: AbortSignal): Promise<boolean> {
    series.count += 1;
    const lastObservedTime = microTime(this.#clock.wallNow());
    try {
      await this.#transport.request(
        {
          method: 'PATCH',
          path: `${eventsPath(regarding)}/${encodeURIComponent(series.name)}`,
          body: { series: { count: series.count, lastObservedTime } },
          contentType: 'application/merge-patch+json',
          deadlineMs: DEADLINE_MS,
        },
        signal,
      );
      return true;
    } catch (error) {
      if (error instanceof KubeApiError && error.isObjectNotFound(series.name)) return false;
      throw error;
    }
  }

  /** Oldest first out: a Map keeps the order of insertion. */
  #remember(key: string, series: Series): void {
    this.#series.delete(key);
    this.#series.set(key, series);
    const [oldest] = this.#series.keys();
    if (this.#series.size > MAX_SERIES && oldest !== undefined) this.#series.delete(oldest);
  }

  async #takeToken(signal: AbortSignal): Promise<void> {
    const now = this.#clock.now();
    this.#tokens = Math.min(BURST, this.#tokens + ((now - this.#tokensAt) / 1000) * PER_SECOND);
    this.#tokensAt = now;
    this.#tokens -= 1;
    if (this.#tokens < 0) await this.#clock.sleep((-this.#tokens / PER_SECOND) * 1000, signal);
  }
}

function eventsPath(regarding: ObjectReference): string {
  return `/apis/events.k8s.io/v1/namespaces/${encodeURIComponent(namespaceOf(regarding))}/events`;
}
