import type { StreamTotals } from './stream.ts';

export type Role = 'source' | 'target';
export type Decision = 'Undecided' | 'Commit' | 'Abort' | 'Revert';

/** What makes a command idempotent and fenced; see fence.ts for the rules. */
export interface CommandHeader {
  readonly uid: string;
  readonly fence: number;
  readonly sequence: number;
  /** Instance of the operator process that holds the fence. */
  readonly operator: string;
  /** Ticket of the session that it is for, as that was told; absent or empty: none was. */
  readonly ticket?: string;
}

/** Where the target pulls from; opaque to the transitions. */
export interface PullSource {
  readonly endpoint: string;
  readonly node: string;
  readonly ticket: string;
  /** Bytes per second over the whole set, 0 for no limit. */
  readonly bandwidthLimit: number;
}

export type SourceCommand =
  | { readonly kind: 'attach' }
  | { readonly kind: 'prepare'; readonly generation: number; readonly devices: readonly string[] }
  | { readonly kind: 'preCopy'; readonly generation: number }
  | { readonly kind: 'quiesce'; readonly timeoutMs: number; readonly waitOnTimeout: boolean }
  | { readonly kind: 'stop'; readonly generation: number }
  | { readonly kind: 'rollBack'; readonly decision: Decision }
  /** Journals that Commit is recorded; comes before the target is activated. */
  | { readonly kind: 'commit'; readonly decision: Decision }
  | { readonly kind: 'release'; readonly decision: Decision };

export type TargetCommand =
  | { readonly kind: 'attach' }
  | {
      readonly kind: 'prepare';
      readonly generation: number;
      readonly devices: readonly string[];
      readonly pull: PullSource;
    }
  | { readonly kind: 'verify'; readonly generation: number; readonly expected: readonly StreamTotals[] }
  | { readonly kind: 'activate'; readonly decision: Decision }
  | { readonly kind: 'discard'; readonly decision: Decision };
