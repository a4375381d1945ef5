import type { NativeDevice } from '@transship/native';

/** Largest piece that is asked for at once, bytes. */
const PIECE_BYTES = 1024 * 1024;

export interface Drained {
  readonly segments: readonly Buffer[];
  /** False: the device has nothing now, or `limit` was reached. */
  readonly ended: boolean;
}

/** More than any device here has: a stream without an end fails its test. */
const MAX_SEGMENTS = 1000;

/** Reads whole segments until the device has none, at most `limit`. */
export async function drainSegments(device: NativeDevice, limit = MAX_SEGMENTS): Promise<Drained> {
  const segments: Buffer[] = [];
  while (segments.length < limit) {
    const next = await device.nextSegment();
    if (next.size === 0) return { segments, ended: 'ended' in next && next.ended };
    const pieces: Buffer[] = [];
    for (let last = false; !last;) {
      const piece = await device.readSegment(PIECE_BYTES);
      pieces.push(piece.data);
      last = piece.last;
    }
    segments.push(Buffer.concat(pieces));
  }
  return { segments, ended: false };
}

/** Loads segments as they were saved. */
export async function loadSegments(device: NativeDevice, segments: readonly Buffer[]): Promise<void> {
  for (const segment of segments) {
    await device.beginSegment(segment.length);
    await device.writeSegment(segment);
    await device.commitSegment();
  }
}
