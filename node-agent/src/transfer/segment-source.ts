import type { SegmentPiece } from '../device/port.ts';
import { failure } from '../contract/failure.ts';
import type { Crc32c } from './frame.ts';
import { TransferFailure } from './transfer-failure.ts';

/** Where the segments of one outgoing stream come from. */
export interface SegmentSource {
  /** `nothing`: ask again later. `end`: the stream is complete. */
  next(): Promise<{ readonly size: number } | 'nothing' | 'end'>;
  /** Next piece of the current segment. */
  read(maxLength: number): Promise<SegmentPiece>;
  /** The set is stopped and the true end is wanted. */
  drain(): void;
  /** Nothing more is asked for: lets go of what it holds, and of a next() that still waits. */
  end(): void;
  /** Estimate of what is still to come, bytes; 0 when unknown. */
  readonly pendingBytes: number;
  /** Data that the target is to have before pre-copy may end is not read yet; absent where there is no such data. */
  readonly initialPending?: boolean;
  /** What comes only after the stop and `pendingBytes` leaves out, bytes; absent where there is none. */
  readonly stopCopyBytes?: number;
}

/** State that exists as a whole once the set is stopped: one segment, read when the drain is ordered. */
export class BlobSource implements SegmentSource {
  readonly pendingBytes = 0;
  readonly #load: () => Promise<Buffer>;
  readonly #limit: number;
  readonly #crc32c: Crc32c;
  #draining = false;
  #blob: Buffer | null = null;
  #cursor = 0;

  /** `limit`: bytes that are sent at most. */
  constructor(load: () => Promise<Buffer>, limit: number, crc32c: Crc32c) {
    this.#load = load;
    this.#limit = limit;
    this.#crc32c = crc32c;
  }

  drain(): void {
    this.#draining = true;
  }

  end(): void {
    this.#blob = null;
  }

  async next(): Promise<{ readonly size: number } | 'nothing' | 'end'> {
    if (!this.#draining) return 'nothing';
    if (this.#blob !== null) return 'end';
    this.#blob = await this.#load();
    const { length } = this.#blob;
    if (length > this.#limit) {
      throw new TransferFailure(
        failure('StreamTooLarge', `${length} bytes of state, ${this.#limit} are taken`),
      );
    }
    return length === 0 ? 'end' : { size: length };
  }

  read(maxLength: number): Promise<SegmentPiece> {
    const blob = this.#blob ?? Buffer.alloc(0);
    const data = blob.subarray(this.#cursor, this.#cursor + maxLength);
    this.#cursor += data.length;
    return Promise.resolve({ data, crc32c: this.#crc32c(data), last: this.#cursor === blob.length });
  }
}
