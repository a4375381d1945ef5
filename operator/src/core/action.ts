import type { DecisionValue, TerminalPhase } from '@transship/crds';
import type { Failure, SourceCommand, TargetCommand } from '@transship/node-agent/contract';

/** The one thing to do next; executed by the reconcile loop in production and by the world of the model. */
export type Action =
  | { readonly kind: 'none' }
  | { readonly kind: 'addFinalizer' }
  | { readonly kind: 'removeFinalizer' }
  /** Compare-and-swap `fence` to `fence + 1`: this process takes the migration up. */
  | { readonly kind: 'raiseFence' }
  /** Take the agents over that have not accepted the held fence yet. */
  | { readonly kind: 'attach' }
  /** Another process has taken the migration up: forget it, unless we are leader again. */
  | { readonly kind: 'yield' }
  /** Preflight and reservation; touches no device. */
  | { readonly kind: 'place' }
  /** Write the pairing into the status, before anybody is told to act on it. */
  | { readonly kind: 'recordPlacement' }
  | { readonly kind: 'commandSource'; readonly command: SourceCommand }
  | { readonly kind: 'commandTarget'; readonly command: TargetCommand }
  /** Leaves the target for the next node. In one write with `raiseFence`, which takes up the migration anew with it. */
  | {
      readonly kind: 'recordTarget';
      readonly nodeName: string;
      /** The first one that this target is given. */
      readonly generation: number;
      /** Of the target that is left. */
      readonly why: Failure;
    }
  /** Discards a target that was left before. */
  | {
      readonly kind: 'discardLeft';
      readonly nodeName: string;
      readonly decision: Exclude<DecisionValue, 'Undecided'>;
    }
  | { readonly kind: 'recordStopping' }
  | {
      readonly kind: 'recordDecision';
      readonly from: DecisionValue;
      readonly to: DecisionValue;
      readonly reason: string;
    }
  /** Ends the object. `decision` is what the record must hold when it ends; it is written with the phase. */
  | { readonly kind: 'finish'; readonly phase: TerminalPhase; readonly failure: Failure | null }
  /** Nothing to do before an observation changes. */
  | { readonly kind: 'wait'; readonly on: string }
  /** Only a person can help; the object stays as it is and says so. */
  | { readonly kind: 'stall'; readonly failure: Failure };
