/**
 * Shares one question among all who ask at the same time, without ever handing out an answer that was already on
 * its way when somebody asked: who asks while a question is out waits for the next one. At most two are out or due,
 * however often it is asked and however long an answer takes.
 */
export class FreshAnswer<T> {
  readonly #question: () => Promise<T>;
  #asking: Promise<T> | null = null;
  #next: Promise<T> | null = null;

  constructor(question: () => Promise<T>) {
    this.#question = question;
  }

  ask(): Promise<T> {
    if (this.#asking === null) return this.#start();
    this.#next ??= this.#asking.then(
      () => this.#start(),
      () => this.#start(),
    );
    return this.#next;
  }

  #start(): Promise<T> {
    this.#next = null;
    const asking = this.#question();
    this.#asking = asking;
    void this.#settle(asking);
    return asking;
  }

  async #settle(asking: Promise<T>): Promise<void> {
    await Promise.allSettled([asking]);
    if (this.#asking === asking) this.#asking = null;
  }
}
