/** One look at the saving streams during pre-copy. */
export interface Sample {
  /** Monotonic, milliseconds. */
  readonly at: number;
  /** Sent so far, bytes over all streams of the set. */
  readonly bytes: number;
  /** Estimate of what is left, bytes. */
  readonly pending: number;
}

export interface ConvergenceLimits {
  /** Pre-copy ends at the latest after this, milliseconds. */
  readonly timeoutMs: number;
  /** What may be left so that the rest fits into the downtime, milliseconds. */
  readonly downtimeMs: number;
}

/** Below this nothing is gained by going on: it is sent in less than any round trip. */
const NEGLIGIBLE_BYTES = 256 * 1024;
/** A device may report nothing at all in pre-copy (V1-37), so silence is believed only after a while. */
const SILENCE_MS = 500;
/** The rest has not shrunk for this long: the device dirties as fast as we copy. */
const STANDSTILL_MS = 3_000;

/**
 * Has pre-copy nothing left to gain? `samples` are in order of time, from the moment every device was in
 * pre-copy. True when the rest fits into the downtime limit at the rate seen, when it stopped shrinking, or
 * when the time is up.
 */
export function preCopyDone(samples: readonly Sample[], now: number, limits: ConvergenceLimits): boolean {
  const begin = samples[0];
  const last = samples.at(-1);
  if (begin === undefined || last === undefined) return false;
  if (now - begin.at >= limits.timeoutMs) return true;
  const moved = last.bytes - begin.bytes;
  if (last.bytes === 0) return last.pending === 0 && now - begin.at >= SILENCE_MS;
  if (last.pending <= NEGLIGIBLE_BYTES) return true;
  const elapsed = last.at - begin.at;
  const rate = elapsed === 0 ? 0 : moved / elapsed;
  if (last.pending <= rate * limits.downtimeMs) return true;
  const least = samples.reduce((best, sample) => (sample.pending < best.pending ? sample : best), begin);
  return now - least.at >= STANDSTILL_MS;
}
