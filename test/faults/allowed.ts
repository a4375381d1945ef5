/**
 * Which ends a migration may have when one fault strikes in one step: from the rules of the protocol
 * (docs/protocol.md: the course, the decision rules, the invariants), not from what was seen.
 */
import { CLUSTER_FAULTS } from './cluster/cluster-faults.ts';
import type { Fault } from './faults.ts';
import type { Step } from './steps.ts';

export type Ending =
  /** Succeeded: the set runs at the target, the source is free. */
  | 'moved'
  /** Failed, Aborted or Rejected: the set runs at the source as if nothing had been, the target is free. */
  | 'stayed'
  /** Failed, and says that a device of the source lost its state: nothing of the set runs at the target. */
  | 'lost'
  /** Failed as TargetLost: the source stands still and keeps the state, nothing runs at the target. */
  | 'target-lost'
  /** Succeeded, and the target died when it had begun to run: what happens to it then is no part of the migration. */
  | 'moved-then-died'
  /** As `stayed`, but a device of the target is withheld and said to be. */
  | 'stayed-target-withheld'
  /** As `moved`, but a device of the source is withheld and said to be. */
  | 'moved-source-withheld'
  /** The source had died before anything was begun: refused, or there was nothing to be moved. */
  | 'nothing-to-move'
  /** The devices of both sides died: it says that they are lost, and nothing runs. */
  | 'both-lost';

export interface Allowed {
  readonly ending: Ending;
  /** Codes that tell it truthfully; none: the migration did not fail. */
  readonly codes: readonly string[];
  /** Where a device that should be free may be withheld instead, if it is said; default: nowhere. */
  readonly mayWithhold?: readonly ('source' | 'target')[];
}

/** The fault cannot strike in the step, and why. */
export interface NotApplicable {
  readonly why: string;
}

const moved: Allowed = { ending: 'moved', codes: [] };
const stayed = (...codes: string[]): Allowed => ({ ending: 'stayed', codes });
const lost = (...codes: string[]): Allowed => ({ ending: 'lost', codes });
const targetLost: Allowed = {
  ending: 'target-lost',
  codes: ['TargetLost', 'DeviceStateLost', 'DeviceError'],
};
const not = (why: string): NotApplicable => ({ why });

const NO_ARC = not('no device is ordered to change its state');
const NO_RESET = not('neither the step nor giving up in it resets a device');
const NOT_WRITTEN = not('this journal is not written');
const NO_STREAM = not('no device is read');

const LOSS = [
  'DeviceStateLost',
  'DeviceError',
  'WorkloadFailed',
  'DeviceUnreachable',
  'ThawFailed',
  'FreezeFailed',
  'WorkloadUnreachable',
];

/** Steps 4 to 8 reset the target when the migration is given up; 3 and 10 reset in any case. */
const resets = (step: Step, whenTaken: Allowed): readonly Allowed[] | NotApplicable => {
  if (step === 3) return [whenTaken];
  if (step >= 4 && step <= 8)
    return [{ ending: 'stayed-target-withheld', codes: ['Cancelled', 'ResetFailed'] }];
  if (step === 10) return [{ ending: 'moved-source-withheld', codes: [] }];
  return NO_RESET;
};

const outOfReach = (step: Step): readonly Allowed[] =>
  step <= 5 ? [moved, stayed('OperatorLost')] : [moved];

const RULES: Readonly<Record<Fault, (step: Step) => readonly Allowed[] | NotApplicable>> = {
  // Before the stop the agent may roll back alone; once it is journalled only the record counts, and retries remain.
  'source-killed': (step) => (step >= 3 && step <= 5 ? [moved, stayed('AgentRestarted')] : [moved]),
  // What was being loaded is loaded anew; a promise, and what was activated, stand in the journal.
  'target-killed': () => [moved],
  'operator-killed': () => [moved],
  'leader-changed': () => [moved],
  cut: () => [moved],
  stalled: () => [moved],
  slow: () => [moved],
  corrupted: () => [moved],
  duplicated: () => [moved],
  'arc-refused': (step) => {
    if (step === 3) return [moved, stayed('ArcFailed')];
    if (step === 4 || step === 5) return [stayed('ArcFailed')];
    // 6 and 7: retries remain; 9: forward only, retried; 10: retried.
    return step >= 6 && step !== 8 ? [moved] : NO_ARC;
  },
  'arc-error': (step) => {
    if (step === 3) return [moved, stayed('DeviceError')];
    // Only RESET leaves ERROR, and a source that was reset has lost its state.
    if (step >= 4 && step <= 6) return [lost('DeviceError', 'DeviceStateLost')];
    if (step === 9) return [targetLost];
    return step === 7 || step === 10 ? [moved] : NO_ARC;
  },
  'arc-stalled': (step) => (step >= 3 && step !== 8 ? [moved] : NO_ARC),
  'stream-corrupted': (step) => (step === 4 || step === 6 ? [moved] : NO_STREAM),
  'source-died': (step) => {
    if (step <= 2)
      return [{ ending: 'nothing-to-move', codes: [...LOSS, 'DeviceNotRunning', 'NodeUnknown'] }];
    if (step <= 6) return [lost(...LOSS, 'ArcFailed')];
    // The target has everything: the set may go on, or is lost.
    if (step <= 8) return [moved, lost(...LOSS)];
    // A RESET that cannot be done is retried, else the device is withheld.
    return step === 10 ? [moved, { ending: 'moved-source-withheld', codes: [] }] : [moved];
  },
  'target-died': (step) => {
    if (step <= 2) return [moved, stayed('DeviceUnreachable', 'DeviceStateLost', 'WorkloadFailed')];
    if (step <= 7) return [moved, stayed(...LOSS, 'LoadRejected', 'ArcFailed')];
    // What was promised is gone: Abort, or Revert when Commit was faster.
    if (step === 8) return [stayed('DeviceStateLost', 'WorkloadFailed')];
    return step === 9 ? [targetLost] : [{ ending: 'moved-then-died', codes: [] }];
  },
  'reset-failed': (step) => resets(step, { ending: 'stayed-target-withheld', codes: ['ResetFailed'] }),
  // A device that runs and says that it was reset cannot be told from one that was: what is loaded replaces all of it.
  'reset-ignored': (step) => resets(step, moved),
  'source-disk-full': (step) => {
    if (step === 1) return not('this journal is written before the step can be held');
    return [2, 4, 5, 6, 10].includes(step) ? [moved] : NOT_WRITTEN;
  },
  'target-disk-full': (step) => ([1, 3, 7, 9].includes(step) ? [moved] : NOT_WRITTEN),
  'clock-jumped': () => [moved],
  // Before the decision it cancels, after it the migration finishes first.
  // A record that cannot be written holds the set where it is. A set that is quiesced and not stopped may go home by itself
  // when the operator is away for longer than its agent waits; once the stop is journalled, only the record counts.
  'api-killed': outOfReach,
  'etcd-killed': outOfReach,
  'api-stalled': outOfReach,
  'lease-deleted': () => [moved],
  deleted: (step) => (step <= 8 ? [stayed('Cancelled')] : [moved]),
};

/** A pure function of the protocol; see the file's head. */
export const allowedOutcomes = (step: Step, fault: Fault): readonly Allowed[] | NotApplicable =>
  RULES[fault](step);

/** Before the decision, an agent or a device that is silent for so long ends the attempt, ms. */
const SILENCE_LIMIT_MS = 30_000;
const SILENCE = ['AgentUnreachable', 'DeviceUnreachable', 'DeadlineExceeded', 'DeviceStuck'];

/** Holds that keep an agent from the operator, or a device in a call that does not return; the others only keep waiting. */
const SILENT_HOLDS: ReadonlySet<Step> = new Set<Step>([1, 3, 7, 8]);
/** Faults during which an agent or a device answers nobody. */
const SILENT_FAULTS: ReadonlySet<Fault> = new Set<Fault>([
  'source-killed',
  'target-killed',
  'source-died',
  'target-died',
  'stalled',
]);
/** Whatever holds the step, these end otherwise, or wait for a control plane; who gives up an agent then is wrong. */
const NEVER_SILENT: ReadonlySet<Fault> = new Set<Fault>([...CLUSTER_FAULTS, 'deleted', 'duplicated']);

const silences = (step: Step, fault: Fault): boolean =>
  !NEVER_SILENT.has(fault) && (SILENT_HOLDS.has(step) || SILENT_FAULTS.has(fault));

/** The same on a machine so slow that a hold and its fault lasted for `keptMs`: whom they kept silent may be given up. */
export function allowedWhenKept(
  step: Step,
  fault: Fault,
  keptMs: number,
): readonly Allowed[] | NotApplicable {
  const allowed = allowedOutcomes(step, fault);
  if ('why' in allowed || step > 8 || keptMs < SILENCE_LIMIT_MS || !silences(step, fault)) return allowed;
  const late = allowed.map((one) =>
    one.codes.length > 0 ? { ...one, codes: [...one.codes, ...SILENCE] } : one,
  );
  return [...late, stayed(...SILENCE)];
}

export const applies = (step: Step, fault: Fault): boolean => !('why' in allowedOutcomes(step, fault));
