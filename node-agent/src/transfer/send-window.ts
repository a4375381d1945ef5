import type { Crc32c, Frame } from './frame.ts';

/** Frames that were read from a device and that the target has not yet written: what a cut connection replays. */
export class SendWindow {
  readonly #limit: number;
  readonly #crc32c: Crc32c;
  readonly #frames: Frame[] = [];
  #bytes = 0;
  #end = 0;

  constructor(limit: number, crc32c: Crc32c) {
    this.#limit = limit;
    this.#crc32c = crc32c;
  }

  /** Bytes that are held. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Position of the first byte that can still be sent. */
  get start(): number {
    return this.#frames[0]?.position ?? this.#end;
  }

  /** Position behind the last byte. */
  get end(): number {
    return this.#end;
  }

  hasRoom(bytes: number): boolean {
    return this.#bytes + bytes <= this.#limit;
  }

  push(frame: Frame): void {
    this.#frames.push(frame);
    this.#bytes += frame.data.length;
    this.#end = frame.position + frame.data.length;
  }

  /** Lets go of whole frames before `position`. */
  forget(position: number): void {
    const kept = this.#frames.findIndex((frame) => frame.position + frame.data.length > position);
    const gone = this.#frames.splice(0, kept < 0 ? this.#frames.length : kept);
    for (const frame of gone) this.#bytes -= frame.data.length;
  }

  /** The frame that goes on exactly at `position`, cut if need be; null when nothing is there yet. */
  at(position: number): Frame | null {
    const frame = this.#frames.find((candidate) => candidate.position + candidate.data.length > position);
    if (frame === undefined || frame.position === position) return frame ?? null;
    const skipped = position - frame.position;
    const data = frame.data.subarray(skipped);
    return {
      ...frame,
      position,
      offsetInSegment: frame.offsetInSegment + skipped,
      data,
      crc32c: this.#crc32c(data),
    };
  }
}
