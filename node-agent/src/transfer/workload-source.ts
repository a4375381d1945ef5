import type { Clock } from '../clock.ts';
import { failure } from '../contract/failure.ts';
import type { SegmentPiece } from '../device/port.ts';
import type { Log } from '../session/ports.ts';
import { DirtyLog } from '../workload/dirty-log.ts';
import type { LoggedDevice } from '../workload/dirty-log.ts';
import { MAX_PIECE_BYTES } from '../workload/freezer.ts';
import type { DirtyMemory, Freezer, SaveOrder } from '../workload/freezer.ts';
import type { Crc32c } from './frame.ts';
import type { SegmentSource } from './segment-source.ts';
import { TransferFailure, toFailure } from './transfer-failure.ts';

/** What a workload may send once its set has stopped: while it does, nobody runs. */
export interface FinalPassLimits {
  readonly bytes: number;
  /** From the stop of the set to the end of the pass, ms. */
  readonly timeoutMs: number;
}

/** More than any machine's memory, and longer than any set is kept stopped on purpose. */
export const DEFAULT_FINAL_PASS: FinalPassLimits = { bytes: 4 * 1024 ** 4, timeoutMs: 60 * 60_000 };

export interface WorkloadSourceParts {
  readonly workload: Freezer;
  readonly clock: Clock;
  readonly limits: FinalPassLimits;
  readonly devices: readonly LoggedDevice[];
  readonly savingId: string;
  readonly crc32c: Crc32c;
  readonly log: Log;
}

const EMPTY = Buffer.alloc(0);

/**
 * The workload's own state, each of its pieces a segment. Where it asked for it and the set is not stopped yet, a live
 * pass comes first, with the devices' DMA logged from before it; the final pass follows once the set is stopped.
 */
export class WorkloadSource implements SegmentSource {
  readonly #parts: WorkloadSourceParts;
  readonly #pieces: AsyncGenerator<Buffer, void>;
  readonly #drained = Promise.withResolvers<void>();
  readonly #ending = new AbortController();
  #isDraining = false;
  #dirtyLog: Promise<DirtyLog> | null = null;
  /** Bytes that came since the set has stopped, and what ends the pass when that takes too long. */
  #finalBytes = 0;
  #disarm = (): void => undefined;
  #piece: Buffer = EMPTY;
  #cursor = 0;
  #pendingBytes = 0;

  constructor(parts: WorkloadSourceParts) {
    this.#parts = parts;
    this.#pieces = this.#all();
  }

  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  drain(): void {
    if (this.#isDraining) return;
    this.#isDraining = true;
    this.#drained.resolve();
    const { clock, limits } = this.#parts;
    this.#disarm = clock.after(limits.timeoutMs, () => this.#ending.abort(tooSlow(limits.timeoutMs)));
  }

  end(): void {
    this.#disarm();
    this.#ending.abort();
    this.#drained.resolve();
    void this.#dirtyLog?.then((log) => log.stop());
    // A pass whose last piece nobody reads on from would hold its call to the workload open.
    this.#pieces.return().catch(() => undefined);
  }

  /** Resolves when there is a piece, or nothing more: between the passes that is when the set is stopped. */
  async next(): Promise<{ readonly size: number } | 'end'> {
    try {
      const { done, value } = await this.#pieces.next();
      if (done === true) {
        this.#throwIfTooSlow();
        this.#disarm();
        return 'end';
      }
      this.#piece = value;
      this.#cursor = 0;
      return { size: value.length };
    } catch (error) {
      this.#disarm();
      const why = toFailure(error);
      throw new TransferFailure(why.code === 'Internal' ? failure('WorkloadFailed', why.message) : why);
    }
  }

  #throwIfTooSlow(): void {
    const { aborted, reason } = this.#ending.signal;
    if (aborted && reason instanceof TransferFailure) throw reason;
  }

  #countFinal(bytes: number): void {
    if (!this.#isDraining) return;
    const { limits } = this.#parts;
    this.#finalBytes += bytes;
    if (this.#finalBytes <= limits.bytes) return;
    const why = `the workload sent more than ${limits.bytes} bytes after its set had stopped (--final-pass-bytes)`;
    throw new TransferFailure(failure('StreamTooLarge', why));
  }

  read(maxLength: number): Promise<SegmentPiece> {
    const data = this.#piece.subarray(this.#cursor, this.#cursor + maxLength);
    this.#cursor += data.length;
    const last = this.#cursor === this.#piece.length;
    if (last) this.#piece = EMPTY;
    return Promise.resolve({ data, crc32c: this.#parts.crc32c(data), last });
  }

  async *#all(): AsyncGenerator<Buffer, void> {
    const { workload, devices, log } = this.#parts;
    const { livePass, dma } = await workload.describe();
    const isIncremental = livePass && !this.#isDraining;
    if (isIncremental) {
      if (dma !== null) {
        this.#dirtyLog = DirtyLog.start(devices, dma, log);
        await this.#dirtyLog;
      }
      yield* this.#pass('live', false, nothing());
    }
    await this.#drained.promise;
    if (this.#ending.signal.aborted) return;
    const dirtyLog = await this.#dirtyLog;
    yield* this.#pass('final', isIncremental, dirtyLog?.report() ?? nothing());
  }

  async *#pass(
    pass: SaveOrder['pass'],
    incremental: boolean,
    dirty: AsyncIterable<DirtyMemory>,
  ): AsyncGenerator<Buffer, void> {
    const { workload, savingId } = this.#parts;
    const { signal } = this.#ending;
    const onPending = (bytes: number): void => {
      this.#pendingBytes = bytes;
    };
    for await (const piece of workload.save({ savingId, pass, incremental, dirty, signal, onPending })) {
      if (signal.aborted) return;
      if (piece.length > MAX_PIECE_BYTES) {
        const why = `the workload gave ${piece.length} bytes at once, ${MAX_PIECE_BYTES} are taken`;
        throw new TransferFailure(failure('StreamTooLarge', why));
      }
      this.#countFinal(piece.length);
      if (piece.length > 0) yield piece;
    }
    this.#pendingBytes = 0;
  }
}

const tooSlow = (timeoutMs: number): TransferFailure => {
  const why = `the workload has not sent its state within ${timeoutMs} ms of its set's stop (--final-pass-timeout)`;
  return new TransferFailure(failure('DeadlineExceeded', why));
};

async function* nothing(): AsyncGenerator<DirtyMemory, void> {
  // No device has a log, or nothing was sent yet.
}
