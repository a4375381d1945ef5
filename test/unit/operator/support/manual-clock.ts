import type { Clock } from '@transship/operator/internal/reconcile/ports';

interface Sleeper {
  readonly dueAt: number;
  readonly wake: () => void;
}

/** A clock that stands still until a test moves it. */
export class ManualClock implements Clock {
  #now = 0;
  readonly #sleepers = new Set<Sleeper>();

  now(): number {
    return this.#now;
  }

  wallNow(): Date {
    return new Date(Date.UTC(2026, 0, 1) + this.#now);
  }

  sleep(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        this.#sleepers.delete(sleeper);
        resolve();
      };
      const sleeper = { dueAt: this.#now + ms, wake };
      if (signal.aborted) {
        resolve();
        return;
      }
      this.#sleepers.add(sleeper);
      signal.addEventListener('abort', wake, { once: true });
    });
  }

  /** Moves on, waking sleepers in order and letting everything that follows from it run before going further. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    await settle();
    for (;;) {
      const next = this.#next();
      if (next === undefined || next.dueAt > end) break;
      this.#now = Math.max(this.#now, next.dueAt);
      next.wake();
      await settle();
    }
    this.#now = end;
    await settle();
  }

  /**
   * Moves on like `advance`, for a loop that reads and writes files between its pauses: time stands still until it
   * pauses again, however long the machine takes for that.
   */
  async pass(ms: number): Promise<void> {
    const end = this.#now + ms;
    for (;;) {
      while (this.#sleepers.size === 0) await new Promise((resolve) => setImmediate(resolve));
      const next = this.#next();
      if (next === undefined || next.dueAt > end) break;
      this.#now = Math.max(this.#now, next.dueAt);
      next.wake();
    }
    this.#now = end;
  }

  /** Time goes on while nothing runs, as for a process that is stopped by a signal. */
  jump(ms: number): void {
    this.#now += ms;
  }

  #next(): Sleeper | undefined {
    return [...this.#sleepers].toSorted((a, b) => a.dueAt - b.dueAt)[0];
  }
}

/** Lets promises that need no clock and no input run out. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}
