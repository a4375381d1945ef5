import { isDeepStrictEqual } from 'node:util';
import type { Clock } from '../clock.ts';
import type { StreamProgress } from '../core/stream.ts';

/** Progress is for people and for the convergence of pre-copy; four times a second is enough for both. */
const INTERVAL_MS = 250;

/** Tells how far streams are: at once when told to, otherwise at most every INTERVAL_MS, and only what is news. */
export class ProgressReporter {
  readonly #clock: Clock;
  readonly #read: () => StreamProgress[];
  readonly #tell: (streams: readonly StreamProgress[]) => void;
  #told: readonly StreamProgress[] = [];
  #cancel: (() => void) | null = null;
  #stopped = false;

  constructor(
    clock: Clock,
    read: () => StreamProgress[],
    tell: (streams: readonly StreamProgress[]) => void,
  ) {
    this.#clock = clock;
    this.#read = read;
    this.#tell = tell;
  }

  changed(atOnce: boolean): void {
    if (this.#stopped) return;
    if (atOnce) this.#now();
    else this.#cancel ??= this.#clock.after(INTERVAL_MS, () => this.#now());
  }

  stop(): void {
    this.#stopped = true;
    this.#cancel?.();
  }

  #now(): void {
    this.#cancel?.();
    this.#cancel = null;
    const streams = this.#read();
    if (isDeepStrictEqual(streams, this.#told)) return;
    this.#told = streams;
    this.#tell(streams);
  }
}
