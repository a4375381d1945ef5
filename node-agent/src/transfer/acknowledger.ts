import type { Clock } from '../clock.ts';

/** An acknowledgement is never held back longer than this, ms. */
const DELAY_MS = 2;

/** Tells the source what was written and accepted: at once when much was, else a moment later, together. */
export class Acknowledger {
  readonly #clock: Clock;
  readonly #atOnceBytes: number;
  readonly #send: (written: number, accepted: number) => void;
  #written = 0;
  #accepted = 0;
  #sent = 0;
  #cancel: (() => void) | null = null;

  constructor(clock: Clock, atOnceBytes: number, send: (written: number, accepted: number) => void) {
    this.#clock = clock;
    this.#atOnceBytes = atOnceBytes;
    this.#send = send;
  }

  note(written: number, accepted: number): void {
    this.#written = written;
    this.#accepted = accepted;
    if (written - this.#sent >= this.#atOnceBytes) this.flush();
    else this.#cancel ??= this.#clock.after(DELAY_MS, () => this.flush());
  }

  flush(): void {
    this.stop();
    this.#sent = this.#written;
    this.#send(this.#written, this.#accepted);
  }

  /** Sends nothing that is held back. */
  stop(): void {
    this.#cancel?.();
    this.#cancel = null;
  }
}
