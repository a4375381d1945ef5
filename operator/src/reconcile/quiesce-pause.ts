import type { Memory } from '../core/index.ts';

/** Of the policy, milliseconds. */
export interface QuiesceLimits {
  /** `strategy.quiesceTimeout`: the first pause is drawn from half of it to all of it. */
  readonly firstMs: number;
  /** `strategy.preCopyTimeout`: no pause is longer than the longer of the two. */
  readonly capMs: number;
}

/**
 * Lets a workload work between two quiesces (onDeadline Wait): it was frozen for the whole timeout, and the next try is
 * likely to end the same way. Pauses double with each, and each is drawn from the upper half. The agent counts the tries, so
 * that another operator begins no series of its own.
 */
export class QuiescePause {
  readonly #random: () => number;
  #timeouts = 0;
  #notBefore = Number.NEGATIVE_INFINITY;

  /** `random`: from [0, 1). */
  constructor(random: () => number = Math.random) {
    this.#random = random;
  }

  /** Takes a look; returns whether the set is not to be quiesced yet. */
  look({ source }: Pick<Memory, 'source'>, { firstMs, capMs }: QuiesceLimits, now: number): boolean {
    if (source.kind !== 'session') return false;
    const { quiesceTimeouts } = source.session;
    if (quiesceTimeouts > this.#timeouts) {
      const longest = Math.max(firstMs, capMs);
      const full = Math.min(longest, firstMs * 2 ** Math.min(quiesceTimeouts - 1, 30));
      this.#notBefore = now + full / 2 + (full / 2) * this.#random();
    }
    this.#timeouts = quiesceTimeouts;
    return now < this.#notBefore;
  }
}
