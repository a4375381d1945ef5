import { sleep } from '../clock.ts';
import type { Clock } from '../clock.ts';
import { failure } from '../contract/failure.ts';
import type { Failure } from '../core/session.ts';
import type { StreamProgress } from '../core/stream.ts';
import { Acknowledger } from './acknowledger.ts';
import type { PullItem, PullRequest, TransferOptions } from './frame.ts';
import { Outage, OUTAGE_LIMIT_MS } from './outage.ts';
import type { StreamCheck } from './stream-check.ts';
import type { StreamSink } from './stream-sink.ts';
import type { TokenBucket } from './token-bucket.ts';
import { TransferFailure } from './transfer-failure.ts';

/** One open pull, as the target sees it. Iterating ends when the source has finished it. */
export interface PullChannel extends AsyncIterable<PullItem> {
  acknowledge(written: number, accepted: number): void;
  /** Everything is here; the source may let go. */
  done(): void;
}

export interface PullConnector {
  /**
   * Connects and asks. Iterating the channel rejects with TransferFailure when the source refuses for good, with
   * any other error when the connection broke. The signal ends it.
   */
  open(request: PullRequest, signal: AbortSignal): PullChannel;
}

export interface IncomingOptions extends TransferOptions {
  readonly clock: Clock;
  /** Told when a connection broke and will be made again. */
  onRetry(request: PullRequest, error: unknown, delayMs: number): void;
}

const RETRY_MS = { first: 50, most: 2_000 };

/** One stream of the target: pulls it, checks it and writes it to its sink, over as many connections as it takes. */
export class IncomingStream {
  readonly #request: () => PullRequest;
  readonly #connector: PullConnector;
  readonly #check: StreamCheck;
  readonly #sink: StreamSink;
  readonly #bucket: TokenBucket;
  readonly #options: IncomingOptions;
  readonly #onChange: (atOnce: boolean) => void;
  #ended = false;

  constructor(
    request: () => PullRequest,
    parts: { connector: PullConnector; check: StreamCheck; sink: StreamSink; bucket: TokenBucket },
    options: IncomingOptions,
    onChange: (atOnce: boolean) => void,
  ) {
    this.#request = request;
    this.#connector = parts.connector;
    this.#check = parts.check;
    this.#sink = parts.sink;
    this.#bucket = parts.bucket;
    this.#options = options;
    this.#onChange = onChange;
  }

  get progress(): StreamProgress {
    const { totals } = this.#check;
    return { totals, ended: this.#ended, pendingBytes: 0, initialPending: false, stopCopyBytes: 0 };
  }

  /**
   * Runs until the source has been told that everything is here, or until aborted. Nothing reaches the sink after
   * the signal. Rejects when the stream cannot go on.
   */
  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    const outage = new Outage();
    let delay = RETRY_MS.first;
    while (!signal.aborted) {
      const request: PullRequest = { ...this.#request(), next: this.#check.position };
      const openedAt = clock.now();
      try {
        await this.#pull(request, signal);
        return;
      } catch (error) {
        if (signal.aborted) return;
        if (!isBrokenConnection(error)) throw error;
        // Whoever got further starts over with short delays.
        const gained = this.#check.position > request.next;
        if (gained) delay = RETRY_MS.first;
        if (outage.broke(openedAt, clock.now(), gained) >= OUTAGE_LIMIT_MS) throw unreachable(error);
        const jittered = delay * (0.5 + Math.random() / 2);
        this.#options.onRetry(request, error, jittered);
        await sleep(clock, jittered, signal);
        delay = Math.min(2 * delay, RETRY_MS.most);
      }
    }
  }

  async #pull(request: PullRequest, signal: AbortSignal): Promise<void> {
    // The iteration ends with this pull, however it ends.
    const pull = new AbortController();
    const channel = this.#connector.open(request, AbortSignal.any([signal, pull.signal]));
    const acks = new Acknowledger(this.#options.clock, this.#options.windowBytes / 4, (written, accepted) =>
      channel.acknowledge(written, accepted),
    );
    try {
      for await (const item of channel) {
        if (signal.aborted) return;
        if (item.kind === 'end') await this.#end(item, channel, acks);
        else await this.#take(item, acks, signal);
      }
    } catch (error) {
      throw sorted(error);
    } finally {
      acks.stop();
      pull.abort();
    }
    if (!this.#ended && !signal.aborted) {
      throw new TransferFailure(failure('StreamTruncated', 'the source ended the stream without its totals'));
    }
  }

  async #take(item: PullItem & { kind: 'frame' }, acks: Acknowledger, signal: AbortSignal): Promise<void> {
    const { frame } = item;
    if (this.#ended) throw new TransferFailure(failure('StreamOutOfOrder', 'data came behind the end'));
    await this.#bucket.take(frame.data.length, signal);
    if (signal.aborted) return;
    const checked = this.#check.frame(frame);
    if ('code' in checked) throw new TransferFailure(checked);
    await this.#write(frame, checked, signal);
    if (signal.aborted) return;
    acks.note(this.#check.position, this.#check.accepted);
    this.#onChange(false);
  }

  /** A sink that fails has failed for good: what it holds then is anybody's guess. */
  async #write(
    frame: (PullItem & { kind: 'frame' })['frame'],
    { begins, completes }: { begins: boolean; completes: boolean },
    signal: AbortSignal,
  ): Promise<void> {
    try {
      if (begins) await this.#sink.begin(frame.segmentSize);
      if (signal.aborted) return;
      await this.#sink.write(frame.data);
      if (completes && !signal.aborted) await this.#sink.commit();
    } catch (error) {
      throw new SinkError(error);
    }
  }

  async #end(item: PullItem & { kind: 'end' }, channel: PullChannel, acks: Acknowledger): Promise<void> {
    const wrong: Failure | null = this.#check.end(item.totals);
    if (wrong !== null) throw new TransferFailure(wrong);
    try {
      await this.#sink.finish();
    } catch (error) {
      throw new SinkError(error);
    }
    const isNews = !this.#ended;
    this.#ended = true;
    acks.note(this.#check.position, this.#check.accepted);
    acks.flush();
    channel.done();
    if (isNews) this.#onChange(true);
  }
}

/** Marks what came from the sink, so that it is not taken for a broken connection. */
class SinkError extends Error {
  override readonly name = 'SinkError';
  constructor(cause: unknown) {
    super('the sink failed', { cause });
  }
}

/** An error of the connection itself. */
class BrokenConnection extends Error {
  override readonly name = 'BrokenConnection';
  constructor(cause: unknown) {
    super((cause as { message?: string }).message ?? 'the connection broke', { cause });
  }
}

function unreachable(error: unknown): TransferFailure {
  const why = `the source could not be reached for ${OUTAGE_LIMIT_MS / 1000} s: ${(error as Error).message}`;
  return new TransferFailure(failure('AgentUnreachable', why));
}

const isBrokenConnection = (error: unknown): boolean => error instanceof BrokenConnection;

function sorted(error: unknown): unknown {
  if (error instanceof SinkError) return error.cause;
  return error instanceof TransferFailure ? error : new BrokenConnection(error);
}
