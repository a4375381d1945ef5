import type { Failure } from '@transship/node-agent/contract';
import { failure, type Memory } from '../core/index.ts';

/**
 * A device that answers nobody, or a target device whose call does not return, is waited for this long before the
 * decision. Its agent answers all the same, so nothing else would ever end the wait.
 */
const SILENCE_LIMIT_MS = 30_000;

/** Notes since when devices of a migration have been silent. */
export class SilentDevices {
  readonly #since = new Map<string, number>();

  /** Takes a look; returns why the migration is to be given up, once a device has been silent for too long. */
  look({ source, target }: Pick<Memory, 'source' | 'target'>, now: number): Failure | null {
    const silent = new Set<string>();
    if (source.kind === 'session') {
      // A call that a source device has out may be a quiesce, which has a deadline and a policy of its own.
      for (const { id, state } of source.session.devices) if (state === 'Unknown') silent.add(id);
    }
    if (target.kind === 'session') {
      for (const { id, state, stuck } of target.session.devices)
        if (state === 'Unknown' || stuck) silent.add(id);
    }
    for (const id of this.#since.keys()) if (!silent.has(id)) this.#since.delete(id);
    for (const id of silent) if (!this.#since.has(id)) this.#since.set(id, now);
    for (const [id, since] of this.#since) {
      if (now - since < SILENCE_LIMIT_MS) continue;
      const seconds = Math.round((now - since) / 1000);
      return failure('DeadlineExceeded', `${id} has not answered its agent for ${seconds} s`, id);
    }
    return null;
  }
}
