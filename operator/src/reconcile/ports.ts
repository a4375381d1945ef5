/** What the reconcile loop needs from the world. Declared here, implemented by kube/, standalone/ and agents/. */
import type {
  DecisionValue,
  DeviceMigrationSpec,
  DeviceMigrationStatus,
  Phase,
  Refusal,
} from '@transship/crds';
import type {
  CommandRequest,
  DeviceDescription,
  Failure,
  PodResources,
  Role,
  SessionSnapshot,
} from '@transship/node-agent/contract';
import type { Told } from './told.ts';

export interface MigrationKey {
  /** Empty for a folder of manifests without namespaces. */
  readonly namespace: string;
  readonly name: string;
}

/** One DeviceMigration as its authority (API server or record file) holds it now. */
export interface StoredMigration {
  readonly key: MigrationKey;
  readonly uid: string;
  /** Another one after every write of the object: resourceVersion, or a checksum of its content. */
  readonly version: string;
  /** metadata.generation */
  readonly generation: number;
  readonly createdAt: Date;
  readonly deletionRequested: boolean;
  readonly finalizerPresent: boolean;
  /** That of the pods; absent: it is not there. */
  readonly podsFinalizerPresent?: boolean;
  /** Parsed at the edge; a manifest that does not parse ends as Rejected. */
  readonly spec:
    { readonly ok: true; readonly value: DeviceMigrationSpec } | ({ readonly ok: false } & Refusal);
  readonly status: DeviceMigrationStatus;
}

/**
 * Outcome of a compare-and-swap write. `ambiguous`: the request went out and no answer came back, so it may
 * have been applied, or may still be: only a read of the record (and a later conflicting write) tells.
 */
export type WriteOutcome =
  | { readonly kind: 'written'; readonly stored: StoredMigration }
  | { readonly kind: 'conflict' }
  | { readonly kind: 'gone' }
  | { readonly kind: 'ambiguous'; readonly cause: unknown };

/** Status fields of the one patch at the end of a reconcile; absent fields stay, `null` removes. */
export type StatusPatch = {
  readonly [K in Exclude<keyof DeviceMigrationStatus, 'fence' | 'stopping' | 'decision'>]?: NonNullable<
    DeviceMigrationStatus[K]
  > | null;
};

/**
 * Every write tests the object's UID and the fence it was read under; stopping, decision and end also test that the object
 * is as it was read, so that none of them lands late on one that was written since, or that came back from a backup. Reads
 * go to the authority, never to a cache.
 */
export interface MigrationStore {
  get(key: MigrationKey, signal: AbortSignal): Promise<StoredMigration | null>;
  /** `fence` -> `fence + 1`, `operator` -> this instance; with `patch`, these fields in the same write. */
  raiseFence(
    stored: StoredMigration,
    operator: string,
    signal: AbortSignal,
    patch?: StatusPatch,
  ): Promise<WriteOutcome>;
  recordStopping(stored: StoredMigration, operator: string, signal: AbortSignal): Promise<WriteOutcome>;
  /** Write-once: `from` is tested. */
  recordDecision(
    stored: StoredMigration,
    from: DecisionValue,
    to: DecisionValue,
    operator: string,
    reason: string,
    signal: AbortSignal,
  ): Promise<WriteOutcome>;
  patchStatus(stored: StoredMigration, patch: StatusPatch, signal: AbortSignal): Promise<WriteOutcome>;
  /** `finalizer`: that of the migration when it is left out. */
  addFinalizer(stored: StoredMigration, signal: AbortSignal, finalizer?: string): Promise<WriteOutcome>;
  removeFinalizer(stored: StoredMigration, signal: AbortSignal, finalizer?: string): Promise<WriteOutcome>;
}

/** Tells which migrations may have changed; a hint, never the truth. Heals itself until aborted. */
export interface MigrationFeed {
  run(onChange: (key: MigrationKey) => void, signal: AbortSignal): Promise<void>;
}

/** Answer of an agent to a command, or why there is none. */
export type AgentReply =
  | { readonly kind: 'session'; readonly session: SessionSnapshot; readonly refusal: Failure | null }
  | { readonly kind: 'unreachable'; readonly failure: Failure };

/** The agent of one node. */
export interface AgentPort {
  /** `VersionSkew` when the agent speaks a version of the contract that this operator does not. */
  describe(
    ids: readonly string[],
    signal: AbortSignal,
  ): Promise<
    | {
        readonly kind: 'devices';
        readonly devices: readonly DeviceDescription[];
        readonly transferEndpoint: string;
        /** null or absent: the agent was not told to ask the kubelet, or is older. */
        readonly podResources?: PodResources | null;
      }
    | { readonly kind: 'unreachable'; readonly failure: Failure }
  >;
  /** Sends one fenced command; holds on for `waitMs` at most so that the session may settle. */
  command(request: CommandRequest, waitMs: number, signal: AbortSignal): Promise<AgentReply>;
  /** Newest snapshots of one session until aborted; reconnects by itself. */
  observe(
    uid: string,
    role: Role,
    onSnapshot: (snapshot: SessionSnapshot) => void,
    signal: AbortSignal,
  ): void;
}

export interface AgentPool {
  /** null: no agent of that node is known (yet). */
  agent(nodeName: string): AgentPort | null;
}

/** Finds and holds the target's devices. The first implementation takes explicit device ids. */
export interface Reservation {
  reserve(
    stored: StoredMigration,
    source: readonly DeviceDescription[],
    signal: AbortSignal,
  ): Promise<
    | {
        readonly kind: 'reserved';
        readonly nodeName: string;
        readonly devices: readonly DeviceDescription[];
        /** Every device of the node. */
        readonly described: readonly DeviceDescription[];
      }
    | { readonly kind: 'refused'; readonly failure: Failure }
    | { readonly kind: 'later'; readonly failure: Failure }
  >;
  /** Keeps devices that were reserved and fit from being given to another. False: another one was faster. */
  hold(uid: string, devices: readonly string[]): boolean;
  /** The migration holds no devices any more, or this process is not the one that moves it. */
  release(uid: string): void;
}

/** What there is to do next about the pods of a migration, and what people are to know of it. */
export interface PodsTurn {
  /** `go`: nothing that the migration would have to wait for. `again`: the object was written. */
  readonly kind: 'go' | 'again' | 'wait';
  readonly stored?: StoredMigration | null;
  /** What is waited for. */
  readonly on?: string;
  /** Condition TargetPod as it is now; absent: as it was. */
  readonly told?: Told;
}

/**
 * Pods that hold the devices of a set, for a migration that names its source by a pod. The target pod is the reservation: the
 * scheduler finds it a node, the kubelet there gives it devices.
 */
export interface PodsPort {
  /** Before any agent is asked: finds the source pod, makes the target pod, and records both once it has its devices. */
  prepare(
    stored: StoredMigration,
    signal: AbortSignal,
  ): Promise<PodsTurn | { readonly kind: 'refused'; readonly failure: Failure }>;
  /** Before the decision: whether a pod is going, and with it a side of the set. */
  lost(stored: StoredMigration, signal: AbortSignal): Promise<(Failure & { readonly of: Role }) | null>;
  /** The target runs: puts its pod in the place of the source pod. `go`: the source may be released. */
  handOver(stored: StoredMigration, signal: AbortSignal): Promise<PodsTurn>;
  /** The migration has ended: leaves one of the pods, and takes the finalizer away. */
  settle(stored: StoredMigration, signal: AbortSignal): Promise<PodsTurn>;
}

/** What is known of nodes beside what their agents say. */
export interface NodePort {
  /** Whether the node is marked as shut down, devices and all; false when nobody can tell. Never rejects. */
  isOutOfService(nodeName: string, signal: AbortSignal): Promise<boolean>;
}

/** Events for people, on the migration and both nodes (events.k8s.io/v1). */
export interface EventSink {
  publish(
    stored: StoredMigration,
    event: { readonly type: 'Normal' | 'Warning'; readonly reason: string; readonly message: string },
  ): void;
}

export interface Clock {
  /** Monotonic, milliseconds. */
  now(): number;
  wallNow(): Date;
  /** Resolves early, without throwing, when aborted. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

/** Constant message, varying fields. */
export interface Log {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** What the loop counts; names and labels are the adapter's. */
export interface Metrics {
  phaseEntered(phase: Phase): void;
  decisionRecorded(decision: DecisionValue, outcome: WriteOutcome['kind']): void;
  migrationEnded(phase: Phase, downtimeMs: number | null): void;
  commandAnswered(command: string, outcome: 'obeyed' | 'refused' | 'unreachable'): void;
  stoppedSetVanished(): void;
}

/** Everything the loop is given. */
export interface ReconcilerPorts {
  readonly store: MigrationStore;
  readonly agents: AgentPool;
  readonly reservation: Reservation;
  readonly nodes: NodePort;
  /** Absent where there are no pods. */
  readonly pods?: PodsPort;
  readonly events: EventSink;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Instance of this operator process, unique for ever. */
  readonly instance: string;
  /** Called when an observation changed, so that the key is looked at again. */
  readonly wake: (key: MigrationKey) => void;
  /** Told of an object as it is read, before anything is done about it. */
  readonly onRead?: (stored: StoredMigration) => void;
}

/** What the queue is to do with the key. */
export type ReconcileResult =
  { readonly kind: 'done' } | { readonly kind: 'requeue'; readonly afterMs: number };
