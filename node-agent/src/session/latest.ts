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
    this.#wakeAll();
  }

  /** Resolves with the next change, or for no reason. */
  changed(): Promise<void> {
    return this.#wake.promise;
  }

  /** The present value, then each newer one, until aborted. */
  async *watch(signal: AbortSignal): AsyncGenerator<T, void> {
    const wake = (): void => this.#wakeAll();
    signal.addEventListener('abort', wake, { once: true });
    try {
      let seen = -1;
      while (!signal.aborted) {
        if (seen === this.#edition) await this.changed();
        else {
          seen = this.#edition;
          yield this.#value;
        }
      }
    } finally {
      signal.removeEventListener('abort', wake);
    }
  }

  #wakeAll(): void {
    this.#wake.resolve();
    this.#wake = Promise.withResolvers();
  }
}
