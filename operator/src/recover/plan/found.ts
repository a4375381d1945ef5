import type { DeviceDescription, Failure, SessionSnapshot } from '@transship/node-agent/contract';
import type { StoredMigration } from '../../reconcile/ports.ts';

/** What one agent says of one migration. */
export type Side =
  /** No answer: the node is off, cut off, or its agent does not run. */
  | { readonly kind: 'silent'; readonly node: string; readonly failure: Failure }
  /** An agent that has never heard of the migration shows a session with fence 0. */
  | { readonly kind: 'session'; readonly node: string; readonly session: SessionSnapshot };

/** Everything that is known of a migration whose object is there. */
export interface FoundMigration {
  readonly kind: 'migration';
  readonly record: StoredMigration;
  /** The fence that this run has raised the record to; null before. */
  readonly held: number | null;
  readonly source: Side;
  readonly target: Side;
}

/** The sessions of one UID on one node, as far as its agent answers. */
export type NodeSessions =
  | { readonly kind: 'silent'; readonly node: string; readonly failure: Failure }
  | { readonly kind: 'sessions'; readonly node: string; readonly sessions: readonly SessionSnapshot[] };

/** Everything that is known of a UID whose object is gone, or is not to be trusted any more. */
export interface FoundOrphan {
  readonly kind: 'orphan';
  readonly uid: string;
  /** The object of that UID, when there still is one. */
  readonly record: StoredMigration | null;
  /** Why the operator waits for a person about that object; null: it does not. */
  readonly stalled: Failure | null;
  /** The fence that this run commands under; null before it has chosen one. */
  readonly held: number | null;
  /** Of every node that an agent is known of. */
  readonly nodes: readonly NodeSessions[];
}

type DeviceQuarantine = NonNullable<DeviceDescription['quarantine']>;

/** One device as its agent describes it. */
export type FoundDevice =
  | { readonly kind: 'silent'; readonly node: string; readonly failure: Failure }
  | { readonly kind: 'unknown'; readonly node: string }
  | {
      readonly kind: 'device';
      readonly node: string;
      readonly state: string;
      readonly health: string;
      /** Migration whose session has not ended and binds it; empty when none does. */
      readonly boundBy: string;
      /** null: it is in no quarantine. */
      readonly quarantine: DeviceQuarantine | null;
    };

/** The session of a side that answers. */
export const sessionOf = (side: Side): SessionSnapshot | null =>
  side.kind === 'session' ? side.session : null;
