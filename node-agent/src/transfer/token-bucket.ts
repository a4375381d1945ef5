import { sleep } from '../clock.ts';
import type { Clock } from '../clock.ts';

/** How much of a second's worth may go at once, so that the limit holds over short times as well. */
const BURST_SECONDS = 0.1;

/** Holds the sum of what is taken to a rate. Bytes per second; 0 for no limit. */
export class TokenBucket {
  readonly #rate: number;
  readonly #clock: Clock;
  #tokens: number;
  #filledAt: number;

  constructor(rate: number, clock: Clock) {
    this.#rate = rate;
    this.#clock = clock;
    this.#tokens = rate * BURST_SECONDS;
    this.#filledAt = clock.now();
  }

  /** Waits until `bytes` more may go. Takes them at once and pays later, so that no size is too large. */
  async take(bytes: number, signal: AbortSignal): Promise<void> {
    if (this.#rate === 0) return;
    const now = this.#clock.now();
    const earned = ((now - this.#filledAt) / 1000) * this.#rate;
    this.#tokens = Math.min(this.#tokens + earned, this.#rate * BURST_SECONDS) - bytes;
    this.#filledAt = now;
    if (this.#tokens < 0) await sleep(this.#clock, (-this.#tokens / this.#rate) * 1000, signal);
  }
}
