import type { Failure } from '@transship/node-agent/contract';
import { failure, type Memory, type SessionView } from '../core/index.ts';

type Phase = SessionView['phase'];

/**
 * A device that answers nobody, or whose call does not return, is waited for this long before the decision. Its agent
 * answers all the same, so nothing else would ever end the wait.
 */
const SILENCE_LIMIT_MS = 30_000;

/** A call that a source device has out in these may be a quiesce, which has a deadline and a policy of its own. */
const QUIESCE: ReadonlySet<Phase> = new Set<Phase>(['Quiescing', 'Unquiescing']);

type Trouble = 'DeadlineExceeded' | 'DeviceStuck';

/** Notes since when devices of a migration have been silent. */
export class SilentDevices {
  readonly #since = new Map<string, number>();

  /** Takes a look; returns why the migration is to be given up, once a device has been silent for too long. */
  look({ source, target }: Pick<Memory, 'source' | 'target'>, now: number): Failure | null {
    const silent = new Map<string, Trouble>();
    for (const side of [source, target]) {
      if (side.kind !== 'session') continue;
      for (const { id, state, stuck } of side.session.devices) {
        if (stuck && !QUIESCE.has(side.session.phase)) silent.set(id, 'DeviceStuck');
        else if (state === 'Unknown') silent.set(id, 'DeadlineExceeded');
      }
    }
    for (const id of this.#since.keys()) if (!silent.has(id)) this.#since.delete(id);
    for (const id of silent.keys()) if (!this.#since.has(id)) this.#since.set(id, now);
    for (const [id, since] of this.#since) {
      if (now - since < SILENCE_LIMIT_MS) continue;
      const seconds = Math.round((now - since) / 1000);
      const code = silent.get(id) ?? 'DeadlineExceeded';
      return failure(code, `${id} has not answered its agent for ${seconds} s`, id);
    }
    return null;
  }
}
