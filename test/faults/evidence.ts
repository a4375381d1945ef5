/** What is known of a migration from outside when it has ended: plain data, which the judge looks at. */
import type { DecisionValue } from '@transship/crds';
import type { ClusterFacts } from './cluster/facts.ts';
import type { Proof } from './injection.ts';

/** Of a device whose emulator would not tell: it is busy, or it is another one that never stopped. */
export const UNKNOWN_DIGEST = 'unknown';

export interface DeviceEvidence {
  readonly id: string;
  readonly state: string;
  /** It belongs to a set. */
  readonly armed: boolean;
  /** The agent hands it to nobody. */
  readonly withheld: boolean;
}

export interface SideEvidence {
  readonly node: string;
  /** Of the agent's session; null: it has none. */
  readonly phase: string | null;
  readonly devices: readonly DeviceEvidence[];
  readonly workload: { readonly phase: string; readonly frozen: boolean; readonly refused: number };
  /** Every link delivers and the workload's work is done. */
  readonly progresses: boolean;
  /** Of the devices when they last stopped or took what they had loaded. */
  readonly digests: readonly string[];
  /** Transactions of the set's links. */
  readonly lost: number;
  readonly gaps: number;
  readonly doubles: number;
  readonly submissionGaps: number;
  /** What the protocol monitor of the emulator wrote down. */
  readonly violations: readonly string[];
}

export interface Evidence {
  readonly proof: Proof;
  /** From when the set was held in the step until the hold and the fault were over, ms; 0: nothing was held. */
  readonly keptMs: number;
  /** Succeeded, Failed, Aborted or Rejected; another phase: it stands still. */
  readonly phase: string;
  readonly code: string | null;
  /** It has ended, or says that only a person can help. */
  readonly settled: boolean;
  readonly decision: DecisionValue;
  /** Types of the conditions that are True. */
  readonly conditions: readonly string[];
  readonly source: SideEvidence;
  readonly target: SideEvidence;
  /** When both sides were seen to run with the state; empty: never. */
  readonly bothRan: readonly string[];
  /** Processes, descriptors, files, locks and finalizers that should not be there any more. */
  readonly leftovers: readonly string[];
  /** Absent: the migration was recorded in a folder. */
  readonly cluster?: ClusterFacts;
}
