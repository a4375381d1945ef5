import { failure } from '../contract/failure.ts';
import type { Failure } from '../core/session.ts';
import { streamKey } from '../core/stream.ts';
import type { StreamId, StreamTotals } from '../core/stream.ts';
import { StreamChecksum } from './checksum.ts';
import { MAX_FRAME_BYTES } from './frame.ts';
import type { Crc32c, Frame } from './frame.ts';

/** What a good frame means for the segment it belongs to. */
export interface Checked {
  readonly begins: boolean;
  readonly completes: boolean;
}

/**
 * Checks that what arrives is exactly the stream that was sent: each byte once, in order, in the segments of the
 * source, with the totals of the source. Holds no data; advances only over good frames.
 */
export class StreamCheck {
  readonly id: StreamId;
  readonly #crc32c: Crc32c;
  readonly #checksum: StreamChecksum;
  #position = 0;
  #accepted = 0;
  #segments = 0;
  /** Of the open segment; 0 between two. */
  #segmentSize = 0;
  #offset = 0;

  constructor(id: StreamId, crc32c: Crc32c) {
    this.id = id;
    this.#crc32c = crc32c;
    this.#checksum = new StreamChecksum(crc32c);
  }

  /** Exact next byte that is wanted. */
  get position(): number {
    return this.#position;
  }

  /** Position behind the last complete segment. */
  get accepted(): number {
    return this.#accepted;
  }

  get totals(): StreamTotals {
    return { ...this.id, bytes: this.#position, segments: this.#segments, crc32c: this.#checksum.value };
  }

  /** A failure leaves the check where it was. */
  frame(frame: Frame): Checked | Failure {
    return this.#damage(frame) ?? this.#disorder(frame) ?? this.#take(frame);
  }

  /** null: the stream is complete and is the one that was sent. */
  end(totals: StreamTotals): Failure | null {
    if (streamKey(totals) !== streamKey(this.id))
      return this.#fail('StreamOutOfOrder', 'totals of another stream');
    if (this.#segmentSize !== 0) return this.#fail('StreamTruncated', 'it ended in the middle of a segment');
    const { bytes, segments, crc32c } = this.totals;
    if (bytes < totals.bytes || segments < totals.segments) {
      const missing = `${bytes} bytes in ${segments} segments arrived, ${totals.bytes} in ${totals.segments} were sent`;
      return this.#fail('StreamTruncated', missing);
    }
    if (bytes > totals.bytes || segments > totals.segments) {
      return this.#fail('StreamOutOfOrder', `${bytes} bytes arrived, ${totals.bytes} were sent`);
    }
    return crc32c === totals.crc32c
      ? null
      : this.#fail('StreamCorrupt', 'the checksum of the stream differs');
  }

  #damage({ data, crc32c }: Frame): Failure | null {
    if (data.length === 0) return this.#fail('StreamCorrupt', 'an empty frame');
    if (data.length > MAX_FRAME_BYTES) return this.#fail('StreamTooLarge', `a frame of ${data.length} bytes`);
    return this.#crc32c(data) === crc32c
      ? null
      : this.#fail('StreamCorrupt', 'the checksum of a frame differs');
  }

  #disorder(frame: Frame): Failure | null {
    if (frame.position !== this.#position) {
      return this.#fail('StreamOutOfOrder', `byte ${frame.position} came, ${this.#position} is next`);
    }
    if (frame.segment !== this.#segments || frame.offsetInSegment !== this.#offset) {
      const came = `byte ${frame.offsetInSegment} of segment ${frame.segment} came`;
      return this.#fail('StreamOutOfOrder', `${came}, byte ${this.#offset} of ${this.#segments} is next`);
    }
    if (
      !Number.isSafeInteger(frame.segmentSize) ||
      (this.#offset > 0 && frame.segmentSize !== this.#segmentSize)
    ) {
      return this.#fail('StreamCorrupt', `segment ${frame.segment} changed its size`);
    }
    return this.#offset + frame.data.length <= frame.segmentSize
      ? null
      : this.#fail('StreamCorrupt', `a frame goes beyond segment ${frame.segment}`);
  }

  #take(frame: Frame): Checked {
    const begins = this.#offset === 0;
    if (begins) this.#checksum.beginSegment(frame.segmentSize);
    this.#checksum.add(frame.crc32c, frame.data.length);
    this.#position += frame.data.length;
    this.#offset += frame.data.length;
    const completes = this.#offset === frame.segmentSize;
    this.#segmentSize = completes ? 0 : frame.segmentSize;
    if (completes) {
      this.#offset = 0;
      this.#segments += 1;
      this.#accepted = this.#position;
    }
    return { begins, completes };
  }

  #fail(
    code: 'StreamCorrupt' | 'StreamOutOfOrder' | 'StreamTruncated' | 'StreamTooLarge',
    why: string,
  ): Failure {
    return failure(code, `stream ${streamKey(this.id)} at byte ${this.#position}: ${why}`);
  }
}
