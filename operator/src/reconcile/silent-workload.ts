import type { Failure } from '@transship/node-agent/contract';
import type { Memory } from '../core/index.ts';

/** A workload that does not answer its agent before anything was bound is waited for this long. */
const LIMIT_MS = 60_000;

/** Notes since when an agent has refused to begin because the workload of its node has not answered yet. */
export class SilentWorkload {
  #since: number | null = null;

  /** Takes a look; returns why the migration is to be given up, once a workload has been silent for too long. */
  look({ source, target }: Pick<Memory, 'source' | 'target'>, now: number): Failure | null {
    const refusals = [source, target].flatMap((side) => (side.kind === 'session' ? [side.refusal] : []));
    const silent = refusals.find((refusal) => refusal?.code === 'WorkloadUnreachable') ?? null;
    if (silent === null) {
      this.#since = null;
      return null;
    }
    this.#since ??= now;
    if (now - this.#since < LIMIT_MS) return null;
    const seconds = Math.round((now - this.#since) / 1000);
    return { ...silent, message: `the workload has not answered for ${seconds} s: ${silent.message}` };
  }
}
