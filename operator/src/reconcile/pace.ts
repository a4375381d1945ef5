import { Backoff } from '../backoff.ts';

const BACKOFF = { firstMs: 100, capMs: 10_000 };

/**
 * Slows a command down that an agent answers at once without anything coming of it, such as a thaw that fails: each answer
 * is an observation too and wakes the loop, so that a pause of the loop alone would not hold it up. Other commands go.
 */
export class Pace {
  readonly #backoff = new Backoff(BACKOFF);
  #fruitless: { readonly command: string; readonly notBefore: number } | null = null;

  /** How long the command has to wait yet, milliseconds; 0: it may go. */
  waitFor(command: string, now: number): number {
    if (this.#fruitless?.command !== command) return 0;
    return Math.max(0, this.#fruitless.notBefore - now);
  }

  /** Notes what came of a command. */
  note(command: string, gained: boolean, now: number): void {
    if (gained || (this.#fruitless !== null && this.#fruitless.command !== command)) this.#backoff.reset();
    this.#fruitless = gained ? null : { command, notBefore: now + this.#backoff.next() };
  }
}
