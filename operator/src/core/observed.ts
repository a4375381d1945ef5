import type { DecisionValue } from '@transship/crds';
import type { Failure, Role, SessionSnapshot } from '@transship/node-agent/contract';

/** What a decision may use of a session; the order of snapshots is the adapters' affair. */
export type SessionView = Omit<SessionSnapshot, 'version' | 'agentInstance'>;

/** The record as its authority holds it; see the decision rules in docs/protocol.md. */
export interface RecordView {
  readonly fence: number;
  /** Which devices go where is written down. Before that no agent was ordered to do anything but to attach. */
  readonly placed: boolean;
  readonly stopping: boolean;
  readonly decision: DecisionValue;
  /** Why Abort or Revert was recorded, as `Code: sentence`. */
  readonly reason: string | null;
  /** The object has ended; nothing but its finalizer is left to do. */
  readonly ended: boolean;
  readonly deletionRequested: boolean;
  readonly finalizerPresent: boolean;
  /** The first generation that the recorded target is given; absent: it is the one that the spec names. */
  readonly firstGeneration?: number;
}

/** One side as this operator process knows it under the fence it holds. */
export type SideView =
  /** Not attached under this fence yet. */
  | { readonly kind: 'unattached' }
  | { readonly kind: 'unreachable'; readonly failure: Failure }
  | { readonly kind: 'session'; readonly session: SessionView; readonly refusal: Failure | null };

/** Where the set goes: found by preflight and reservation, or read back from the target's own session. */
export type Placement =
  | { readonly kind: 'unknown' }
  /** `of`: the side that does not fit. */
  | { readonly kind: 'refused'; readonly failure: Failure; readonly of?: Role }
  | {
      readonly kind: 'placed';
      readonly sourceDevices: readonly string[];
      readonly targetDevices: readonly string[];
      readonly sourceEndpoint: string;
    };

export interface Plan {
  readonly sourceNode: string;
  readonly preCopy: boolean;
  readonly waitOnDeadline: boolean;
  readonly quiesceTimeoutMs: number;
  /** Bytes per second, 0 for no limit. */
  readonly bandwidthLimit: number;
  /** Further generations after the first. */
  readonly retries: number;
}

/** A target that was left for another before the decision. */
export interface LeftTarget {
  readonly node: string;
  readonly side: SideView;
  /** Its node is marked as shut down. */
  readonly fenced: boolean;
}

/** Everything a decision is taken from. Time enters as facts, never as a clock. */
export interface Observed {
  readonly plan: Plan | { readonly refused: Failure };
  readonly record: RecordView;
  /** The fence this process holds, null before it has raised one. */
  readonly held: number | null;
  readonly superseded: boolean;
  /** The decision as this process has read or written it before. */
  readonly decided: DecisionValue;
  readonly source: SideView;
  readonly target: SideView;
  readonly placement: Placement;
  /** Pre-copy has nothing left to gain: converged, or its time is up. */
  readonly preCopyDone: boolean;
  /** A quiesce has timed out not long ago (onDeadline Wait): the workload is to work for a while. Absent: it has not. */
  readonly quiescePauses?: boolean;
  /** A deadline that is looked at last just before the decision is sent has passed; `of`: the side that let it pass. */
  readonly expired: (Failure & { readonly of?: Role }) | null;
  /**
   * The node of the target is marked as shut down (taint `node.kubernetes.io/out-of-service`): whatever its devices held
   * is gone, so nobody has to reset them. Proves nothing of a target that may have been activated before. Absent: not known.
   */
  readonly targetFenced?: boolean;
  /** The same of the node of the source: nobody has to tell it of the decision. */
  readonly sourceFenced?: boolean;
  /** The node that takes the set when the target cannot; absent or null: there is none. */
  readonly nextTarget?: string | null;
  /** In the order in which they were left; absent: none was. */
  readonly left?: readonly LeftTarget[];
}
