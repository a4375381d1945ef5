import { setTimeout as delay } from 'node:timers/promises';
import type { KernelNode } from './node.ts';
import type { Sides } from './step-watch.ts';

const PAUSE_MS = 250;

/** A device of the set is at work: it runs, and it has the links that travel with its state. */
async function isAtWork(node: KernelNode): Promise<boolean> {
  for (const [index] of node.uuids.entries()) {
    const device = node.own(index);
    if ((await device.read('state')) === 'Running' && (await device.read('peer')) !== '') return true;
  }
  return false;
}

/**
 * Looks all the time whether both sides run. The target is asked first: a source that runs after its target has run is
 * wrong whatever happened between the two questions.
 */
export class BothRun implements AsyncDisposable {
  readonly found: string[] = [];
  readonly #end = new AbortController();
  readonly #loop: Promise<void>;

  constructor(sides: Sides) {
    this.#loop = this.#look(sides);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#end.abort();
    await this.#loop;
  }

  async #look({ source, target }: Sides): Promise<void> {
    while (!this.#end.signal.aborted) {
      if ((await isAtWork(target)) && (await isAtWork(source)))
        this.found.push(`both sides ran at ${new Date().toISOString()}`);
      await delay(PAUSE_MS);
    }
  }
}
