import type {
  CommandRequest,
  DeviceDescription,
  Failure,
  Role,
  SessionSnapshot,
} from '@transship/node-agent/contract';
import type { AgentReply, Clock, MigrationStore, StoredMigration } from '../reconcile/ports.ts';

export type Unreachable = { readonly kind: 'unreachable'; readonly failure: Failure };

/** What a recovery asks of the agent of one node. */
export interface RecoveryAgent {
  describe(
    ids: readonly string[],
    signal: AbortSignal,
  ): Promise<{ readonly kind: 'devices'; readonly devices: readonly DeviceDescription[] } | Unreachable>;
  command(request: CommandRequest, waitMs: number, signal: AbortSignal): Promise<AgentReply>;
  /** The present snapshot of one session; one that the agent has never heard of has fence 0. */
  session(
    uid: string,
    role: Role,
    signal: AbortSignal,
  ): Promise<{ readonly kind: 'snapshot'; readonly session: SessionSnapshot } | Unreachable>;
  /** Sessions of the node; `onlyBound`: those that hold devices. */
  sessions(
    onlyBound: boolean,
    signal: AbortSignal,
  ): Promise<{ readonly kind: 'sessions'; readonly sessions: readonly SessionSnapshot[] } | Unreachable>;
  endQuarantine(
    device: string,
    uid: string,
    signal: AbortSignal,
  ): Promise<{ readonly kind: 'ended'; readonly refusal: Failure | null } | Unreachable>;
}

/** Everything that a recovery is given. */
export interface RecoveryPorts {
  readonly store: Pick<MigrationStore, 'get' | 'raiseFence' | 'recordDecision' | 'patchStatus'>;
  /** The migration with this UID, or null. Reads the authority. */
  readonly find: (uid: string, signal: AbortSignal) => Promise<StoredMigration | null>;
  /** Nodes that an agent is known of. */
  readonly nodes: () => readonly string[];
  /** null: no agent of that node is known. */
  readonly agent: (nodeName: string) => RecoveryAgent | null;
  readonly clock: Clock;
  /** This run, unique for ever. */
  readonly instance: string;
}
