import type { Failure } from '@transship/node-agent/contract';
import { failure, type Memory, type SessionView, type SideView } from '../core/index.ts';

/** A target that was left holds up the end of its migration for this long; an agent is back from an upgrade before. */
const LIMIT_MS = 300_000;

const RAN: ReadonlySet<string> = new Set(['Activating', 'Starting', 'Active']);

/** A target that was left was never told to run, so this is no matter of patience: the record is not the one that left it. */
export const wasStarted = ({ phase }: SessionView): boolean => RAN.has(phase);

/**
 * Notes since when the targets that were left could not be discarded, from the first order to on: their node is gone, their
 * agent does not answer, refuses, or cannot use its journal. The set runs elsewhere meanwhile, so they are not waited for
 * without end. What is let go here is not forgotten: the leftovers see to it.
 */
export class LeftPatience {
  readonly #since = new Map<string, number>();
  readonly #spent = new Map<string, Failure>();

  /** As of the last look. */
  get spent(): ReadonlyMap<string, Failure> {
    return this.#spent;
  }

  /** Takes a look; returns the nodes that are not waited for any more, each with what its agent said last. */
  look(left: Memory['left'], now: number): ReadonlyMap<string, Failure> {
    for (const [node, side] of Object.entries(left)) {
      const why = holdsUp(side);
      if (why === null) {
        this.#since.delete(node);
        this.#spent.delete(node);
        continue;
      }
      const since = this.#since.get(node) ?? now;
      this.#since.set(node, since);
      if (now - since >= LIMIT_MS) this.#spent.set(node, why);
    }
    return this.#spent;
  }
}

/** Why its discard is still to come; null: it is not, or no time would bring it. */
function holdsUp(side: SideView): Failure | null {
  if (side.kind === 'unreachable') return side.failure;
  if (side.kind === 'unattached') return failure('AgentUnreachable', 'it was not asked');
  const { phase, error } = side.session;
  if (phase === 'Discarded' || wasStarted(side.session)) return null;
  return side.refusal ?? error ?? failure('DeadlineExceeded', `it is ${phase}`);
}
