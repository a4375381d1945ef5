import { every, within } from '../clock.ts';
import type { Clock } from '../clock.ts';
import { messageOf } from '../session/effects.ts';
import type { Log } from '../session/ports.ts';
import type { ListedDevice } from './listed.ts';

/** What the kubelet has told, or why it has not. */
export type PodFacts =
  | { readonly known: true; readonly listed: readonly ListedDevice[] }
  | { readonly known: false; readonly message: string };

/** Between two looks when nobody asks, so that the inventory and the log know early, ms. */
const LOOK_INTERVAL_MS = 5_000;
/** Whoever asks is told what the kubelet said since then, ms. */
const FRESH_MS = 1_000;
/** Nobody is kept waiting for longer, ms: a call that was out already, and one of its own. */
const PATIENCE_MS = 6_000;

const LATE: PodFacts = { known: false, message: 'the kubelet has not answered in time' };

interface Answer {
  /** When it was asked, on the clock. */
  readonly askedAt: number;
  readonly facts: PodFacts;
}

/** Keeps what the kubelet of this node says of pods and devices. An old answer is never told: its devices may have moved on. */
export class PodWatch {
  readonly #list: (signal: AbortSignal) => Promise<readonly ListedDevice[]>;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #ended = new AbortController();
  #last: Answer | null = null;
  #asking: Promise<void> | null = null;

  /** `list` has a deadline of its own. */
  constructor(list: (signal: AbortSignal) => Promise<readonly ListedDevice[]>, clock: Clock, log: Log) {
    this.#list = list;
    this.#clock = clock;
    this.#log = log;
  }

  /** What the kubelet says now, or within the last second. Never rejects; takes 6 s at most. */
  look(): Promise<PodFacts> {
    return within(this.#clock, PATIENCE_MS, this.#since(this.#clock.now() - FRESH_MS), LATE);
  }

  /** Looks every few seconds until aborted, and tells in the log when the kubelet falls silent or is back. */
  async run(signal: AbortSignal): Promise<void> {
    signal.addEventListener('abort', () => this.#ended.abort(), { once: true });
    await every(this.#clock, LOOK_INTERVAL_MS * (0.75 + Math.random() / 4), signal, async () => {
      await this.look();
    });
  }

  async #since(since: number): Promise<PodFacts> {
    for (;;) {
      if (this.#last !== null && this.#last.askedAt >= since) return this.#last.facts;
      // One that was out already may have been asked too early.
      await (this.#asking ?? this.#ask());
    }
  }

  #ask(): Promise<void> {
    const asking = this.#answer().finally(() => {
      this.#asking = null;
    });
    this.#asking = asking;
    return asking;
  }

  async #answer(): Promise<void> {
    const askedAt = this.#clock.now();
    const facts = await this.#facts();
    if (this.#last?.facts.known !== facts.known) {
      if (facts.known) this.#log.info({}, 'the kubelet tells which pods have which devices');
      else
        this.#log.warn({ error: facts.message }, 'the kubelet does not tell which pods have which devices');
    }
    this.#last = { askedAt, facts };
  }

  async #facts(): Promise<PodFacts> {
    try {
      return { known: true, listed: await this.#list(this.#ended.signal) };
    } catch (error) {
      return { known: false, message: messageOf(error) };
    }
  }
}
