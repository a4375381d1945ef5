import type { Clock } from '../clock.ts';

/**
 * Ends a stream in which nothing has happened for too long: the whole of it may take as long as it likes. Only the time
 * between watch() and seen() counts, so that nobody is blamed for what the other side takes.
 */
export class StallGuard {
  readonly #clock: Clock;
  readonly #ms: number;
  readonly #onStall: () => void;
  #cancel: (() => void) | null = null;
  #stalled = false;

  constructor(clock: Clock, ms: number, onStall: () => void) {
    this.#clock = clock;
    this.#ms = ms;
    this.#onStall = onStall;
  }

  get stalled(): boolean {
    return this.#stalled;
  }

  /** Waits for `step`, for as long as a step may take. */
  async watch<T>(step: Promise<T>): Promise<T> {
    this.#cancel = this.#clock.after(this.#ms, () => {
      this.#stalled = true;
      this.#onStall();
    });
    try {
      return await step;
    } finally {
      this.#cancel();
    }
  }
}
