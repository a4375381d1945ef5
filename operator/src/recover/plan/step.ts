import type { DecisionValue } from '@transship/crds';
import type { Failure } from '@transship/node-agent/contract';
import type { Recovery } from './request.ts';

type Decided = Exclude<DecisionValue, 'Undecided'>;

/** One thing to do. Each may be done twice: what is done already is left out of the next plan. */
export type Step =
  /** Raises the fence of the record; `end`: and ends the object as Failed with it, so that the operator lets go. */
  | { readonly kind: 'takeUp'; readonly fence: number; readonly end: Failure | null }
  /** Takes a fence that no agent has seen, without a record. */
  | { readonly kind: 'claim'; readonly fence: number }
  /** From here on the agent obeys nobody with a lower fence. */
  | { readonly kind: 'attach'; readonly node: string; readonly role: 'source' | 'target' }
  | { readonly kind: 'recordRevert'; readonly reason: string }
  /** Writes the word of a person into the record. `runs`: the set runs at the target already. */
  | {
      readonly kind: 'recordSourceDead';
      readonly node: string;
      readonly target: string;
      readonly runs: boolean;
      readonly proof: string;
    }
  /** The stopped source journals that Commit was decided: from here on only Revert leads back. */
  | { readonly kind: 'commitSource'; readonly node: string }
  | { readonly kind: 'rollBackSource'; readonly node: string; readonly decision: Decided }
  | { readonly kind: 'releaseSource'; readonly node: string }
  | { readonly kind: 'activateTarget'; readonly node: string }
  /** `silently`: no device answers, so the order is only journalled; they are reset when they answer. */
  | {
      readonly kind: 'discardTarget';
      readonly node: string;
      readonly decision: Decided;
      readonly silently?: true;
    }
  /** Ends a quarantine. */
  | { readonly kind: 'endQuarantine'; readonly node: string; readonly device: string; readonly uid: string }
  /** Writes into the status how it came out. */
  | { readonly kind: 'markRecovered'; readonly recovery: Recovery };

/** What is left to do, in order, and what is lost by it; or why nothing is done. */
export type Plan =
  | { readonly kind: 'refused'; readonly reason: string }
  | { readonly kind: 'steps'; readonly steps: readonly Step[]; readonly losses: readonly string[] };

export const refused = (reason: string): Plan => ({ kind: 'refused', reason });
