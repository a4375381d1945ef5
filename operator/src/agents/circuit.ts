import type { Failure } from '@transship/node-agent/contract';
import type { Clock } from '../reconcile/ports.ts';

/** What a question to the agent came to; null: it answered, whatever it said. */
type Asked = Failure | null;

/**
 * Keeps callers from waiting long for an agent that is not known to live. Migrations share few workers, and a call to a
 * node that is off takes its whole deadline: a rack that is dead would hold up the sets of all others, frozen ones too.
 *
 * An agent that answered last is called at once. One that did not, or was never called, is asked a small question first:
 * the caller waits for its answer for a moment only, while the question goes on, alone of its kind, for the next caller
 * to find out.
 */
export class Circuit {
  readonly #clock: Clock;
  readonly #patienceMs: number;
  readonly #ask: () => Promise<Asked>;
  #isProven = false;
  #last: Failure | null = null;
  #question: Promise<Asked> | null = null;

  /**
   * `patienceMs`: what a caller waits for the answer to the question.
   * `ask`: the question, with a deadline of its own; must not reject.
   */
  constructor(clock: Clock, patienceMs: number, ask: () => Promise<Asked>) {
    this.#clock = clock;
    this.#patienceMs = patienceMs;
    this.#ask = ask;
  }

  /** null: the agent may be called; else why it is not worth it now. */
  async admit(nodeName: string, signal: AbortSignal): Promise<Failure | null> {
    if (this.#isProven) return null;
    this.#question ??= this.#ask().then((asked) => {
      this.#question = null;
      this.note(asked);
      return asked;
    });
    const enough = new AbortController();
    const patience = this.#clock
      .sleep(this.#patienceMs, AbortSignal.any([signal, enough.signal]))
      .then(() => this.#last ?? notYet(nodeName, this.#patienceMs));
    try {
      return await Promise.race([this.#question, patience]);
    } finally {
      enough.abort();
    }
  }

  /** Takes in what a call came to. */
  note(asked: Asked): void {
    this.#isProven = asked === null;
    this.#last = asked;
  }
}

const notYet = (nodeName: string, ms: number): Failure => ({
  code: 'AgentUnreachable',
  message: `the agent of node ${nodeName} has not answered within ${ms} ms; it is being asked`,
  device: null,
});
