/**
 * One word for people, derived from the rest of the status; no decision may be taken from it.
 * Order is the order of a voyage; the last four end the object.
 */
export const PHASES = [
  /** Seen by nobody yet, or accepted and waiting for its turn; nothing was touched. */
  'Pending',
  /** Preflight, reservation of the target, target devices entering Resuming. */
  'Preparing',
  /** Source runs and sends; the target loads. */
  'PreCopy',
  /** Workload frozen; every device is being brought to a peer-to-peer quiescent state. */
  'Quiescing',
  /** `status.stopping` is recorded; the source is stopped and its streams are drained. */
  'StopCopy',
  /** The target compares counts and checksums and leaves Resuming. */
  'Verifying',
  /** Commit is recorded; the target set is being started. Only forward from here. */
  'Activating',
  /** The target runs; the source is reset and freed. */
  'Releasing',
  /** Back to the source: the target is reset, the source started again. */
  'RollingBack',
  /** Decision Commit, the target runs, the source is free. */
  'Succeeded',
  /** Tried and rolled back (the source runs), or a device or the target was lost: the conditions say which. */
  'Failed',
  /** Deleted or cancelled before the decision; the source runs. */
  'Aborted',
  /** Refused before anything was touched. */
  'Rejected',
] as const;

export type Phase = (typeof PHASES)[number];

export const TERMINAL_PHASES = [
  'Succeeded',
  'Failed',
  'Aborted',
  'Rejected',
] as const satisfies readonly Phase[];

export type TerminalPhase = (typeof TERMINAL_PHASES)[number];

/** Whether the migration has ended; another attempt is another object. */
export function isTerminal(phase: Phase): phase is TerminalPhase {
  return (TERMINAL_PHASES as readonly Phase[]).includes(phase);
}
