/** A set may stand still meanwhile: longer than this a source that cannot be reached is not waited for, ms. */
export const OUTAGE_LIMIT_MS = 30_000;

/** Since when one connection after another has come to nothing. Times in ms, monotonic. */
export class Outage {
  #since: number | null = null;

  /** Notes an attempt that broke, and tells how long the outage has lasted. */
  broke(openedAt: number, now: number, gained: boolean): number {
    // A connection that broke after a longer time than it takes to find out that there is none did stand.
    const stood = gained || now - openedAt >= OUTAGE_LIMIT_MS;
    if (stood) this.#since = now;
    this.#since ??= openedAt;
    return now - this.#since;
  }
}
