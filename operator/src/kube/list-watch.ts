import { z } from 'zod';
import { Backoff } from '../backoff.ts';
import type { Clock, Log } from '../reconcile/ports.ts';
import { describeError } from '../telemetry/log.ts';
import { KubeApiError } from './api-error.ts';
import { pagesOf } from './pages.ts';
import type { KubeTransport } from './transport.ts';
import { readLines, WatchBrokenError } from './watch-stream.ts';

/** Told what the collection holds. Must only take notes: it runs between two reads of the connection. */
export interface ListWatchSink {
  upsert(object: WatchedObject): void;
  removed(key: string): void;
  /** After every complete list. */
  listed?(): void;
}

const watchedObject = z.looseObject({
  metadata: z.looseObject({
    name: z.string().min(1),
    namespace: z.string().optional(),
    resourceVersion: z.string().optional(),
  }),
});

export type WatchedObject = z.output<typeof watchedObject>;

const event = z.discriminatedUnion('type', [
  z.object({ type: z.enum(['ADDED', 'MODIFIED', 'DELETED']), object: watchedObject }),
  z.object({
    type: z.literal('BOOKMARK'),
    object: z.object({ metadata: z.object({ resourceVersion: z.string() }) }),
  }),
  z.object({ type: z.literal('ERROR'), object: z.unknown() }),
]);

export interface ListWatchTimes {
  /** The API server sends a bookmark about every minute, so this is longer. */
  readonly inactivityMs: number;
  /** Asked of the API server; the real end is drawn from [1, 2) times this, so that watches do not end together. */
  readonly watchSeconds: number;
  /** A watch that ends in good order is continued where it stood, but the list is read anew this often. */
  readonly relistMs: number;
  readonly requestDeadlineMs: number;
  readonly backoff: { readonly firstMs: number; readonly capMs: number };
  /** A watch that lived this long was healthy: the back-off starts over, and the next one goes on where it ended. */
  readonly healthyMs: number;
}

export const LIST_WATCH_TIMES: ListWatchTimes = {
  inactivityMs: 90_000,
  watchSeconds: 240,
  relistMs: 30 * 60_000,
  requestDeadlineMs: 30_000,
  backoff: { firstMs: 200, capMs: 15_000 },
  healthyMs: 30_000,
};

/** Of what an API server asks for: a cache that stays away for longer is of no use. */
const MAX_RETRY_AFTER_MS = 60_000;
const PAGE_SIZE = 500;
const MAX_LINE_BYTES = 4 * 1024 * 1024;
/** Metadata alone where the caller needs no more: a status may be large and changes often. */
const metadataOnlyAs = (kind: string): string =>
  `application/json;as=${kind};g=meta.k8s.io;v=v1,application/json`;

export interface ListWatchOptions {
  /** Path of the collection, such as `/apis/GROUP/VERSION/PLURAL`. */
  readonly path: string;
  readonly metadataOnly: boolean;
  readonly times?: ListWatchTimes;
}

/** Names an object within a collection: `namespace/name`, or the name alone. */
export function objectKey({ metadata }: WatchedObject): string {
  return metadata.namespace === undefined ? metadata.name : `${metadata.namespace}/${metadata.name}`;
}

/**
 * Keeps a sink informed of a collection until aborted, whatever the API server, the network or a proxy does: list, watch,
 * and on any trouble list again after a pause. client-node's own informer stops for good on most errors, so this is ours.
 */
export class ListWatch {
  readonly #transport: KubeTransport;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #options: ListWatchOptions;
  readonly #times: ListWatchTimes;
  #known = new Set<string>();
  #resourceVersion: string | null = null;
  #listedAt = 0;

  constructor(transport: KubeTransport, clock: Clock, log: Log, options: ListWatchOptions) {
    this.#transport = transport;
    this.#clock = clock;
    this.#log = log;
    this.#options = options;
    this.#times = options.times ?? LIST_WATCH_TIMES;
  }

  /** Resolves once aborted; never rejects. */
  async run(sink: ListWatchSink, signal: AbortSignal): Promise<void> {
    const { path } = this.#options;
    const backoff = new Backoff(this.#times.backoff);
    while (!signal.aborted) {
      let watchedFrom: number | null = null;
      let askedMs = 0;
      try {
        if (this.#mustList()) await this.#list(sink, signal);
        watchedFrom = this.#clock.now();
        await this.#watch(sink, signal);
      } catch (error) {
        if (signal.aborted) return;
        this.#resourceVersion = null;
        if (error instanceof KubeApiError) askedMs = Math.min(error.retryAfterMs ?? 0, MAX_RETRY_AFTER_MS);
        this.#log.warn({ path, cause: describeError(error) }, 'watch ended, listing again');
      }
      // A list that takes that long to fail is an outage, however often it is tried.
      const isHealthy = watchedFrom !== null && this.#clock.now() - watchedFrom >= this.#times.healthyMs;
      if (isHealthy) backoff.reset();
      // A watch that ends at once, even in good order, may have a place in history that it cannot get past.
      else this.#resourceVersion = null;
      await this.#clock.sleep(askedMs + backoff.next(), signal);
    }
  }

  #mustList(): boolean {
    return this.#resourceVersion === null || this.#clock.now() - this.#listedAt >= this.#times.relistMs;
  }

  async #list(sink: ListWatchSink, signal: AbortSignal): Promise<void> {
    const seen = new Set<string>();
    const asked = this.#get('PartialObjectMetadataList', {});
    let stands = '';
    for await (const page of pagesOf(
      this.#transport,
      { ...asked, pageSize: PAGE_SIZE },
      watchedObject,
      signal,
    )) {
      for (const object of page.items) {
        seen.add(objectKey(object));
        this.#tell(() => sink.upsert(object));
      }
      stands = page.resourceVersion;
    }
    // Without it the watch would begin anywhere.
    if (stands === '') throw new WatchBrokenError('a list does not say where it stands');
    this.#resourceVersion = stands;
    for (const key of this.#known) if (!seen.has(key)) this.#tell(() => sink.removed(key));
    this.#known = seen;
    this.#listedAt = this.#clock.now();
    this.#tell(() => sink.listed?.());
  }

  async #watch(sink: ListWatchSink, signal: AbortSignal): Promise<void> {
    const { inactivityMs, watchSeconds } = this.#times;
    const query = {
      watch: 'true',
      allowWatchBookmarks: 'true',
      resourceVersion: this.#resourceVersion ?? '',
      timeoutSeconds: String(Math.ceil(watchSeconds * (1 + Math.random()))),
    };
    const answer = await this.#transport.open(this.#get('PartialObjectMetadata', query), signal);
    for await (const line of readLines(answer, { inactivityMs, maxLineBytes: MAX_LINE_BYTES }))
      this.#take(line, sink);
  }

  #take(line: string, sink: ListWatchSink): void {
    const parsed = event.safeParse(parseJson(line));
    if (!parsed.success) throw new WatchBrokenError('an event cannot be read', { cause: parsed.error });
    const { type, object } = parsed.data;
    switch (type) {
      case 'ERROR':
        throw watchError(this.#options.path, object);
      case 'BOOKMARK':
        break;
      case 'DELETED':
        this.#known.delete(objectKey(object));
        this.#tell(() => sink.removed(objectKey(object)));
        break;
      case 'ADDED':
      case 'MODIFIED':
        this.#known.add(objectKey(object));
        this.#tell(() => sink.upsert(object));
        break;
    }
    this.#resourceVersion = object.metadata.resourceVersion ?? this.#resourceVersion;
  }

  /** A sink that throws is a mistake of ours; it must not be taken for trouble with the watch. */
  #tell(call: () => void): void {
    try {
      call();
    } catch (error) {
      this.#log.error({ path: this.#options.path, cause: describeError(error) }, 'listener threw');
    }
  }

  /** A list and a watch must be asked for by different kinds: a watch asked for as a list breaks at its first event. */
  #get(kind: string, query: Readonly<Record<string, string>>) {
    const { path, metadataOnly } = this.#options;
    const accept = metadataOnly ? metadataOnlyAs(kind) : 'application/json';
    return { method: 'GET', path, query, accept, deadlineMs: this.#times.requestDeadlineMs } as const;
  }
}

/** An ERROR event carries a Status: mostly 410, when the place in history that we asked for is gone. */
function watchError(path: string, status: unknown): Error {
  const code = z.object({ code: z.int() }).safeParse(status);
  return new KubeApiError(`watch ${path}`, code.success ? code.data.code : 500, status);
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
