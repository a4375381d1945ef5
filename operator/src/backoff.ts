/** How the pauses between attempts grow. */
export interface BackoffOptions {
  /** Before the second attempt, milliseconds. */
  readonly firstMs: number;
  /** No pause is longer, milliseconds. */
  readonly capMs: number;
  /** From [0, 1); for tests. */
  readonly random?: () => number;
}

/** Doubles from `firstMs` to `capMs`; each pause is drawn from the upper half, so that clients do not march in step. */
export class Backoff {
  readonly #options: BackoffOptions;
  #attempts = 0;

  constructor(options: BackoffOptions) {
    this.#options = options;
  }

  /** Attempts since the last success. */
  get attempts(): number {
    return this.#attempts;
  }

  /** Counts a failure and tells how long to wait now, milliseconds. */
  next(): number {
    const { firstMs, capMs, random = Math.random } = this.#options;
    const full = Math.min(capMs, firstMs * 2 ** Math.min(this.#attempts, 30));
    this.#attempts += 1;
    return full / 2 + (full / 2) * random();
  }

  reset(): void {
    this.#attempts = 0;
  }
}
