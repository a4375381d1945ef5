/** One look at the saving streams during pre-copy. */
export interface Sample {
  /** Monotonic, milliseconds. */
  readonly at: number;
  /** Sent so far, bytes over all streams of the set. */
  readonly bytes: number;
  /** Estimate of what is left, bytes, with what devices give only once they are stopped. */
  readonly pending: number;
  /** Some device's initial data is not with its target yet, so its stop would cost more than it need. */
  readonly initialPending: boolean;
  /** Every device has given something. Before, `pending` lacks what nobody has asked for yet. */
  readonly begun: boolean;
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
 * pre-copy. True when the rest fits into the downtime limit at the rate seen, or when it stopped shrinking, but not
 * before the target has all initial data (V2-17); and in any case when the time is up.
 */
export function preCopyDone(samples: readonly Sample[], now: number, limits: ConvergenceLimits): boolean {
  const first = samples[0];
  if (first === undefined) return false;
  if (now - first.at >= limits.timeoutMs) return true;
  if (samples.at(-1)?.initialPending === true) return false;
  const telling = tellingOf(samples, first.at);
  const begin = telling[0];
  const last = telling.at(-1);
  if (begin === undefined || last === undefined) return false;
  const moved = last.bytes - begin.bytes;
  if (last.bytes === 0) return last.pending === 0 && now - first.at >= SILENCE_MS;
  if (last.pending <= NEGLIGIBLE_BYTES) return true;
  const elapsed = last.at - begin.at;
  const rate = elapsed === 0 ? 0 : moved / elapsed;
  if (last.pending <= rate * limits.downtimeMs) return true;
  const least = telling.reduce((best, sample) => (sample.pending < best.pending ? sample : best), begin);
  return now - least.at >= STANDSTILL_MS;
}

/** Looks that show all that is left: every device has begun, or is silent for so long that it will stay so. */
function tellingOf(samples: readonly Sample[], since: number): readonly Sample[] {
  const begun = samples.filter((sample) => sample.begun);
  return begun.length > 0 ? begun : samples.filter(({ at }) => at - since >= SILENCE_MS);
}
