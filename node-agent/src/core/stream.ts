export type StreamKind = 'device' | 'externals' | 'workload';

/** Names one stream of a set; `deviceIndex` is 0 for the workload. */
export interface StreamId {
  readonly kind: StreamKind;
  readonly deviceIndex: number;
}

/** What a finished stream amounted to. */
export interface StreamTotals extends StreamId {
  readonly bytes: number;
  readonly segments: number;
  /** CRC32C over each segment's length (u64, little-endian) and bytes, chained over the stream. */
  readonly crc32c: number;
}

/** How far a stream is; `totals.crc32c` means something once `ended`. */
export interface StreamProgress {
  readonly totals: StreamTotals;
  readonly ended: boolean;
  /** Estimate of what is still to come, bytes; 0 when unknown. */
  readonly pendingBytes: number;
  /**
   * Source, streams of devices: the initial data of pre-copy is not with the target's device yet, or nobody knows.
   * Pre-copy is not to end before, unless its time is up (V2-17).
   */
  readonly initialPending: boolean;
  /** Source, streams of devices: what comes only once the device is stopped and `pendingBytes` leaves out, bytes. */
  readonly stopCopyBytes: number;
}

/** Every stream of a set of `devices` devices, in a fixed order. */
export function streamsOfSet(devices: number): StreamId[] {
  const ids: StreamId[] = [];
  for (let deviceIndex = 0; deviceIndex < devices; deviceIndex += 1) {
    ids.push({ kind: 'device', deviceIndex }, { kind: 'externals', deviceIndex });
  }
  ids.push({ kind: 'workload', deviceIndex: 0 });
  return ids;
}

export const streamKey = (id: StreamId): string => `${id.kind}/${id.deviceIndex}`;

/** Two ends saw the same stream: every stream on both sides, equal counts, bytes and checksums. */
export function totalsDiffer(
  expected: readonly StreamTotals[],
  arrived: readonly StreamTotals[],
): string | null {
  const byKey = new Map(arrived.map((totals) => [streamKey(totals), totals]));
  for (const want of expected) {
    const got = byKey.get(streamKey(want));
    if (got === undefined) return `stream ${streamKey(want)} did not arrive`;
    if (got.segments !== want.segments) {
      return `stream ${streamKey(want)}: ${got.segments} segments arrived, ${want.segments} were sent`;
    }
    if (got.bytes !== want.bytes) {
      return `stream ${streamKey(want)}: ${got.bytes} bytes arrived, ${want.bytes} were sent`;
    }
    if (got.crc32c !== want.crc32c) return `stream ${streamKey(want)}: checksums differ`;
  }
  return expected.length === arrived.length ? null : 'streams arrived that were not sent';
}
