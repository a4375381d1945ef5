/** Which ends a voyage of a long run may have: pure functions over what it came to. */
import { TERMINAL_PHASES } from '@transship/crds';

/** What a voyage came to. */
export interface Ending {
  /** The last phase that was seen; of an object that was deleted it may be one on the way. */
  readonly phase: string;
  /** `status.error.code`; null: there was none. */
  readonly code: string | null;
  /** The set is at the target. */
  readonly isMoved: boolean;
}

export type Verdict =
  | { readonly kind: 'right' }
  /** Given up because something was silent for too long: where a machine is slow, a few may be. */
  | { readonly kind: 'silent' }
  | { readonly kind: 'wrong'; readonly why: string };

/** Codes by which an attempt is given up that nothing answered in time. */
const SILENCE: ReadonlySet<string> = new Set([
  'AgentUnreachable',
  'DeadlineExceeded',
  'DeviceUnreachable',
  'DeviceStuck',
]);
const ENDS: ReadonlySet<string> = new Set(TERMINAL_PHASES);
/** Voyages of a hundred that may be given up in silence; one may be in any run. */
const MOST_SILENT_PERCENT = 10;

/** @param mayEnd codes that tell truthfully what the fault does to a voyage; none: it must move, whatever happens */
export function verdictOn({ phase, code, isMoved }: Ending, mayEnd: readonly string[]): Verdict {
  const wrong = (why: string): Verdict => ({ kind: 'wrong', why });
  if (code === 'Internal') return wrong(`it ended as ${phase} with Internal, which no fault brings about`);
  if (phase === 'Succeeded')
    return isMoved ? { kind: 'right' } : wrong('it succeeded, and the set is where it was');
  if (!ENDS.has(phase)) {
    // The record of one that was deleted goes with its last words.
    return mayEnd.includes('Cancelled') ? { kind: 'right' } : wrong(`its record went when it was ${phase}`);
  }
  if (isMoved) return wrong(`it ended as ${phase}, and the set is at the target`);
  if (code !== null && mayEnd.includes(code)) return { kind: 'right' };
  if (code !== null && SILENCE.has(code)) return { kind: 'silent' };
  return wrong(`it ended as ${phase} with ${code ?? 'no code'}, which its fault does not explain`);
}

/** Whether so many voyages that were given up in silence are more than a slow machine explains. */
export const isTooSilent = (silent: number, voyages: number): boolean =>
  silent > 1 && silent * 100 > voyages * MOST_SILENT_PERCENT;
