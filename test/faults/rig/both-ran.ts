import { setTimeout as delay } from 'node:timers/promises';
import type { FaultNode } from './fault-node.ts';
import type { FaultRig } from './fault-rig.ts';

const PAUSE_MS = 50;

/** Whether the workload is at work with the state, and on devices that run; a server that is away runs nothing. */
async function whoRuns({ control }: FaultNode): Promise<string | null> {
  try {
    const [workload, devices] = await Promise.all([control.workload(), control.devices()]);
    const atWork = workload.phase === 'Live' && !workload.frozen;
    return atWork && devices.some(({ state, armed }) => state === 'Running' && armed)
      ? workload.cookie
      : null;
  } catch {
    return null;
  }
}

/**
 * Looks all the time whether both sides run. The target is asked first: a source that runs after its target has run is
 * wrong whatever happened between the two questions.
 */
export class BothRan implements AsyncDisposable {
  readonly found: string[] = [];
  readonly #end = new AbortController();
  readonly #loop: Promise<void>;

  constructor({ source, target }: FaultRig) {
    this.#loop = this.#look(source, target);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#end.abort();
    await this.#loop;
  }

  async #look(source: FaultNode, target: FaultNode): Promise<void> {
    while (!this.#end.signal.aborted) {
      const there = await whoRuns(target);
      const here = there === null ? null : await whoRuns(source);
      if (there !== null && here === there)
        this.found.push(`workload ${there} at ${new Date().toISOString()}`);
      await delay(PAUSE_MS);
    }
  }
}
