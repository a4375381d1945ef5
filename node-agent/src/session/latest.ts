/**
 * A value that changes, for any number of watchers. A watcher that is slow misses what lies between: it is
 * always given the newest, so nothing queues up for it.
 */
export class Latest<T> {
  #value: T;
  #edition = 0;
  #wake = Promise.withResolvers<void>();

  constructor(value: T) {
    this.#value = value;
  }

  get value(): T {
    return this.#value;
  }

  set(value: T): void {
    this.#value = value;
    this.#edition += 1;
    this.#wake.resolve();
    this.#wake = Promise.withResolvers();
  }

  /** Resolves with the next change. */
  changed(): Promise<void> {
    return this.#wake.promise;
  }

  /** The present value, then each newer one, until aborted. */
  async *watch(signal: AbortSignal): AsyncGenerator<T, void> {
    const aborted = Promise.withResolvers<void>();
    const stop = (): void => aborted.resolve();
    signal.addEventListener('abort', stop, { once: true });
    try {
      let seen = -1;
      while (!signal.aborted) {
        if (seen === this.#edition) await Promise.race([this.changed(), aborted.promise]);
        else {
          seen = this.#edition;
          yield this.#value;
        }
      }
    } finally {
      signal.removeEventListener('abort', stop);
    }
  }
}
