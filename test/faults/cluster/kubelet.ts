import { setTimeout as delay } from 'node:timers/promises';
import type { FaultRig } from '../rig/fault-rig.ts';
import type { Cluster } from './cluster.ts';

const PAUSE_MS = 50;

/**
 * Starts an operator again that has ended by itself, as the kubelet would; however that was; one that the test killed
 * is retired, and the test's to start.
 */
export class Kubelet implements AsyncDisposable {
  readonly #rig: FaultRig;
  readonly #cluster: Cluster;
  readonly #end = new AbortController();
  readonly #loop: Promise<void>;

  constructor(rig: FaultRig, cluster: Cluster) {
    this.#rig = rig;
    this.#cluster = cluster;
    this.#loop = this.#keep();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#end.abort();
    await this.#loop;
  }

  async #keep(): Promise<void> {
    while (!this.#end.signal.aborted) {
      const { operator } = this.#rig;
      if (!operator.running && !this.#cluster.isRetired(operator)) {
        await this.#cluster.noteEnd(operator);
        // One that does not start is tried again; the migration does not end without it.
        await this.#rig.startOperatorAgain().catch(() => undefined);
      }
      await delay(PAUSE_MS);
    }
  }
}
