import type { Failure } from '@transship/node-agent/internal/core/session';
import type { PullItem, PullRequest } from '@transship/node-agent/internal/transfer/frame';
import type { PullChannel, PullConnector } from '@transship/node-agent/internal/transfer/incoming-stream';
import type { Puller } from '@transship/node-agent/internal/transfer/outgoing-stream';
import type { PullDesk } from '@transship/node-agent/internal/transfer/pull-desk';
import { TransferFailure } from '@transship/node-agent/internal/transfer/transfer-failure';

export interface Wire {
  /** What arrives for an item that was sent; several, none, or another. Default: the item. */
  readonly tamper?: (item: PullItem) => readonly PullItem[];
  /** The connection is cut before this item arrives, counted over all connections of a stream. */
  readonly cutBefore?: (count: number, request: PullRequest) => boolean;
}

/** Connects pulls to a desk in memory, over a wire that can be cut and tampered with. */
export class MemoryPulls implements PullConnector {
  readonly requests: PullRequest[] = [];
  readonly #desk: PullDesk;
  readonly #wire: Wire;
  readonly #counts = new Map<string, number>();

  constructor(desk: PullDesk, wire: Wire = {}) {
    this.#desk = desk;
    this.#wire = wire;
  }

  open(request: PullRequest, signal: AbortSignal): PullChannel {
    this.requests.push(request);
    return new MemoryChannel(this.#desk, this.#wire, request, signal, () => this.#count(request));
  }

  #count(request: PullRequest): number {
    const key = `${request.stream.kind}/${request.stream.deviceIndex}`;
    const count = (this.#counts.get(key) ?? 0) + 1;
    this.#counts.set(key, count);
    return count;
  }
}

class MemoryChannel implements PullChannel, Puller {
  readonly #wire: Wire;
  readonly #request: PullRequest;
  readonly #count: () => number;
  readonly #attachment;
  readonly #arrived: PullItem[] = [];
  #wake = Promise.withResolvers<void>();
  /** undefined: open; null: finished; else why it ended. */
  #ended: Error | null | undefined;

  constructor(desk: PullDesk, wire: Wire, request: PullRequest, signal: AbortSignal, count: () => number) {
    this.#wire = wire;
    this.#request = request;
    this.#count = count;
    signal.addEventListener('abort', () => this.#end(new Error('aborted')));
    this.#attachment = desk.open(request, this);
  }

  send(item: PullItem): Promise<void> {
    if (this.#ended !== undefined) return Promise.reject(new Error('the connection is gone'));
    if (this.#wire.cutBefore?.(this.#count(), this.#request) === true) {
      this.#end(new Error('the connection was cut'));
      return Promise.reject(new Error('the connection was cut'));
    }
    this.#arrived.push(...(this.#wire.tamper?.(item) ?? [item]));
    this.#wakeUp();
    return Promise.resolve();
  }

  finish(): void {
    this.#end(null);
  }

  dismiss(why: Failure | null): void {
    this.#end(why === null ? new Error('come again') : new TransferFailure(why));
  }

  acknowledge(written: number, accepted: number): void {
    if (this.#ended === undefined) this.#attachment.acknowledge(written, accepted);
  }

  done(): void {
    if (this.#ended === undefined) this.#attachment.done();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<PullItem, void> {
    for (;;) {
      const item = this.#arrived.shift();
      if (item !== undefined) yield item;
      else if (this.#ended === undefined) await this.#wake.promise;
      else if (this.#ended === null) return;
      else throw this.#ended;
    }
  }

  #end(why: Error | null): void {
    if (this.#ended !== undefined) return;
    this.#ended = why;
    // What a cut connection has not delivered is lost.
    if (why !== null) this.#arrived.length = 0;
    queueMicrotask(() => this.#attachment.detach());
    this.#wakeUp();
  }

  #wakeUp(): void {
    this.#wake.resolve();
    this.#wake = Promise.withResolvers();
  }
}
