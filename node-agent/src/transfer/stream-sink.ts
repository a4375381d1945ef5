import { failure } from '../contract/failure.ts';
import type { ErrorCode } from '@transship/crds';
import type { LoadingDevice } from '../device/port.ts';
import { TransferFailure, toFailure } from './transfer-failure.ts';

/** Where the segments of one incoming stream go. */
export interface StreamSink {
  begin(size: number): Promise<void>;
  write(data: Buffer): Promise<void>;
  /** The segment has been accepted when this resolves. */
  commit(): Promise<void>;
  /** The stream is complete and checked; may be called again. */
  finish(): Promise<void>;
}

/** The device's own stream, straight into the device. */
export function deviceSink(device: LoadingDevice): StreamSink {
  return {
    begin: (size) => device.beginSegment(size),
    write: (data) => device.writeSegment(data),
    commit: () => device.commitSegment(),
    finish: () => Promise.resolve(),
  };
}

/** State that is used as a whole: collected in memory, up to a limit, and applied once it is complete and checked. */
export class BlobSink implements StreamSink {
  readonly #limit: number;
  readonly #apply: (blob: Buffer) => Promise<void>;
  readonly #code: ErrorCode;
  readonly #pieces: Buffer[] = [];
  #announced = 0;
  #applied = false;

  /** `code`: what it means when applying fails without a reason of its own. */
  constructor(limit: number, apply: (blob: Buffer) => Promise<void>, code: ErrorCode) {
    this.#limit = limit;
    this.#apply = apply;
    this.#code = code;
  }

  begin(size: number): Promise<void> {
    this.#announced += size;
    if (this.#announced <= this.#limit) return Promise.resolve();
    const why = `${this.#announced} bytes of state were announced, ${this.#limit} are taken`;
    return Promise.reject(new TransferFailure(failure('StreamTooLarge', why)));
  }

  write(data: Buffer): Promise<void> {
    // A copy: a frame is a window into a larger buffer of the connection.
    this.#pieces.push(Buffer.from(data));
    return Promise.resolve();
  }

  commit(): Promise<void> {
    return Promise.resolve();
  }

  async finish(): Promise<void> {
    if (this.#applied || this.#announced === 0) return;
    try {
      await this.#apply(Buffer.concat(this.#pieces));
    } catch (error) {
      const why = toFailure(error);
      throw new TransferFailure(why.code === 'Internal' ? failure(this.#code, why.message) : why);
    }
    this.#applied = true;
    this.#pieces.length = 0;
  }
}
