import type { ClientWritableStream } from '@grpc/grpc-js';
import type { Clock } from '../clock.ts';
import { malformed, toHookError } from './hook-error.ts';
import { StallGuard } from './hook-stall.ts';
import type { WorkloadLoad } from './freezer.ts';
import type { LoadRequest } from './generated/transship/workload/v1alpha1/LoadRequest.ts';
import type { LoadResponse__Output } from './generated/transship/workload/v1alpha1/LoadResponse.ts';
import type { WorkloadHookClient } from './generated/transship/workload/v1alpha1/WorkloadHook.ts';

type Call = ClientWritableStream<LoadRequest>;

export interface LoadParts {
  readonly client: WorkloadHookClient;
  readonly socketPath: string;
  readonly clock: Clock;
  readonly savingId: string;
  /** Longest time that the hook may let pass before it takes the next message, ms. */
  readonly stallMs: number;
  /** The same for its answer, when it has everything, ms. */
  readonly replyMs: number;
  readonly signal: AbortSignal;
}

/** One Load. It stays open from the first piece of a live pass to the end of the stream, so it has no deadline itself. */
export class HookLoad implements WorkloadLoad {
  readonly #parts: LoadParts;
  readonly #call: Call;
  readonly #reply: Promise<LoadResponse__Output>;
  #isAnswered = false;
  #bytes = 0;
  readonly #begun: Promise<void>;

  constructor(parts: LoadParts) {
    this.#parts = parts;
    const { promise, resolve, reject } = Promise.withResolvers<LoadResponse__Output>();
    this.#call = parts.client.load((error, reply) => {
      this.#isAnswered = true;
      parts.signal.removeEventListener('abort', cancel);
      parts.client.close();
      if (error === null && reply !== undefined) resolve(reply);
      else reject(error ?? new Error('the call ended without an answer'));
    });
    const cancel = (): void => this.#call.cancel();
    this.#reply = promise;
    // Whoever writes or finishes next hears of it.
    promise.catch(() => undefined);
    parts.signal.addEventListener('abort', cancel, { once: true });
    if (parts.signal.aborted) cancel();
    this.#begun = this.#send({ begin: { savingId: parts.savingId } });
    this.#begun.catch(() => undefined);
  }

  async write(piece: Buffer): Promise<void> {
    await this.#begun;
    await this.#send({ data: piece });
    this.#bytes += piece.length;
  }

  async finish(): Promise<void> {
    const { socketPath } = this.#parts;
    await this.#begun;
    this.#call.end();
    const { state, bytes } = await this.#step(this.#parts.replyMs, this.#reply);
    if (state !== 'STATE_FROZEN')
      throw malformed(socketPath, 'Load', `it is ${state} afterwards, not FROZEN`);
    if (Number(bytes) !== this.#bytes) {
      throw malformed(socketPath, 'Load', `it took ${bytes} bytes of the ${this.#bytes} that were sent`);
    }
  }

  async #send(message: LoadRequest): Promise<void> {
    const sent = new Promise<void>((resolve, reject) => {
      const answered = (): void => void this.#early().catch(reject);
      // After the answer nothing is taken any more.
      if (this.#isAnswered) {
        answered();
        return;
      }
      // No race against the answer's promise: each message would stay with it until the answer comes.
      this.#call.once('status', answered);
      this.#call.write(message, (error?: Error | null) => {
        this.#call.off('status', answered);
        if (error) reject(error);
        else resolve();
      });
    });
    await this.#step(this.#parts.stallMs, sent);
  }

  /** An answer before everything was sent is a failure whatever it says. */
  async #early(): Promise<never> {
    await this.#reply;
    throw malformed(this.#parts.socketPath, 'Load', 'it answered before it had been sent everything');
  }

  async #step<T>(ms: number, step: Promise<T>): Promise<T> {
    const { clock, socketPath, signal } = this.#parts;
    const guard = new StallGuard(clock, ms, () => this.#call.cancel());
    try {
      return await guard.watch(step);
    } catch (error) {
      signal.throwIfAborted();
      if (guard.stalled) throw malformed(socketPath, 'Load', `no progress within ${ms} ms`);
      throw toHookError(socketPath, 'Load', error);
    }
  }
}
