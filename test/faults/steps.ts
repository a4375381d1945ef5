/** The ten steps of a voyage (docs/protocol.md, the course), and which of them a migration is in. */
import type { Phase } from '@transship/node-agent/contract';

export const STEPS = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10] as const;

export type Step = (typeof STEPS)[number];

export const STEP_NAMES: Readonly<Record<Step, string>> = {
  1: 'accept',
  2: 'preflight',
  3: 'reserve',
  4: 'pre-copy',
  5: 'barrier A',
  6: 'stop, drain',
  7: 'verify',
  8: 'decision',
  9: 'activate',
  10: 'release',
};

/** What tells in which step a migration is: the record, and the sessions as the agents themselves show them. */
export interface Position {
  readonly decision: 'Undecided' | 'Commit' | 'Abort' | 'Revert';
  readonly stopping: boolean;
  readonly ended: boolean;
  /** null: the agent knows nothing of the migration, or does not answer. */
  readonly source: Phase | null;
  readonly target: Phase | null;
}

const AT_THE_SOURCE: Partial<Readonly<Record<Phase, Step>>> = {
  PreCopying: 4,
  PreCopy: 4,
  Quiescing: 5,
  Unquiescing: 5,
  Quiesced: 5,
  Stopping: 6,
};

/** null: in none, as on a way back or when it has ended. */
export function stepOf({ decision, stopping, ended, source, target }: Position): Step | null {
  if (ended || decision === 'Abort' || decision === 'Revert') return null;
  if (decision === 'Commit') return target === 'Active' ? 10 : 9;
  if (source === null) return 1;
  if (source === 'Fenced') return target === null ? 1 : 2;
  if (source === 'Prepared') return target === 'Loading' ? 4 : 3;
  if (source === 'Quiesced' && stopping) return 6;
  if (source === 'Stopped') return target === 'Verified' ? 8 : 7;
  return AT_THE_SOURCE[source] ?? null;
}
