import type { StreamId, StreamTotals } from '../core/stream.ts';

/** A piece of one segment, as it crosses the wire. */
export interface Frame {
  /** Stream position of the first byte; positions count the bytes of all segments. */
  readonly position: number;
  /** Counts from 0 within the generation. */
  readonly segment: number;
  readonly segmentSize: number;
  readonly offsetInSegment: number;
  readonly data: Buffer;
  /** CRC32C of `data`. */
  readonly crc32c: number;
}

/** What a puller is given: frames, then the totals of the finished stream. */
export type PullItem =
  { readonly kind: 'frame'; readonly frame: Frame } | { readonly kind: 'end'; readonly totals: StreamTotals };

/** First message of a pull. */
export interface PullRequest {
  readonly uid: string;
  readonly fence: number;
  readonly ticket: string;
  readonly stream: StreamId;
  readonly generation: number;
  /** Exact next byte of the stream that the target has not written yet. */
  readonly next: number;
}

/** CRC-32C (Castagnoli) of the bytes, continued from `seed`. */
export type Crc32c = (data: Buffer, seed?: number) => number;

/** Largest frame that either side makes or takes, bytes. */
export const MAX_FRAME_BYTES = 1024 * 1024;

export interface TransferOptions {
  /** Data read from a device and not yet written at the target, at most, for each stream; bytes. */
  readonly windowBytes: number;
  readonly frameBytes: number;
}

export const DEFAULT_TRANSFER: TransferOptions = {
  windowBytes: 16 * 1024 * 1024,
  frameBytes: MAX_FRAME_BYTES,
};
