import {
  checkUpdate,
  clipMessage,
  type DecisionValue,
  type DeviceMigration,
  deviceMigrationStatus,
  type DeviceMigrationStatus,
  FINALIZER,
} from '@transship/crds';
import type {
  Clock,
  MigrationKey,
  MigrationStore,
  StatusPatch,
  StoredMigration,
  WriteOutcome,
} from '../reconcile/ports.ts';
import { NotDurableError } from './durable-file.ts';
import { type MigrationRecord, toStoredMigration } from './record.ts';
import type { RecordFiles } from './record-files.ts';

/** Of status.decision.reason. */
const REASON_MAX = 1024;

/** What a write makes of the record as it is now: the next one, or that somebody else was faster. */
type Change = (record: MigrationRecord) => MigrationRecord | 'conflict';

/**
 * DeviceMigrations in a folder. The rules that the API server enforces on an update (fence rises, decision and stopping are
 * written once, bounds of every field) are checked here before a record is written.
 */
export class FolderMigrationStore implements MigrationStore {
  readonly #files: RecordFiles;
  readonly #clock: Clock;

  constructor(files: RecordFiles, clock: Clock) {
    this.#files = files;
    this.#clock = clock;
  }

  async get(key: MigrationKey): Promise<StoredMigration | null> {
    const record = await this.#files.read(key);
    return record === null ? null : toStoredMigration(record);
  }

  raiseFence(
    stored: StoredMigration,
    operator: string,
    _signal?: AbortSignal,
    patch: StatusPatch = {},
  ): Promise<WriteOutcome> {
    return this.#updateStatus(
      stored,
      (status) => ({ ...merged(status, patch), fence: status.fence + 1, operator }),
      testsOf(patch),
    );
  }

  recordStopping(stored: StoredMigration, operator: string): Promise<WriteOutcome> {
    return this.#updateStatus(
      stored,
      (status) => ({
        ...status,
        stopping: { at: this.#timestamp(), by: operator },
      }),
      'as read',
    );
  }

  recordDecision(
    stored: StoredMigration,
    from: DecisionValue,
    to: DecisionValue,
    operator: string,
    reason: string,
  ): Promise<WriteOutcome> {
    return this.#updateStatus(
      stored,
      (status) => {
        if (status.decision.value !== from) return 'conflict';
        const decision = {
          value: to,
          at: this.#timestamp(),
          by: operator,
          reason: clipMessage(reason, REASON_MAX),
        };
        return { ...status, decision };
      },
      'as read',
    );
  }

  patchStatus(stored: StoredMigration, patch: StatusPatch): Promise<WriteOutcome> {
    return this.#updateStatus(stored, (status) => merged(status, patch), testsOf(patch));
  }

  addFinalizer(stored: StoredMigration): Promise<WriteOutcome> {
    return this.#update(stored, (record) => {
      const { finalizers, deletionTimestamp } = record.metadata;
      if (finalizers.includes(FINALIZER)) return record;
      if (deletionTimestamp !== undefined) return 'conflict';
      return { ...record, metadata: { ...record.metadata, finalizers: [...finalizers, FINALIZER] } };
    });
  }

  removeFinalizer(stored: StoredMigration): Promise<WriteOutcome> {
    return this.#update(stored, (record) => {
      const finalizers = record.metadata.finalizers.filter((name) => name !== FINALIZER);
      return { ...record, metadata: { ...record.metadata, finalizers } };
    });
  }

  #updateStatus(
    stored: StoredMigration,
    change: (status: DeviceMigrationStatus) => DeviceMigrationStatus | 'conflict',
    tests: 'as read' | 'fence' = 'fence',
  ): Promise<WriteOutcome> {
    return this.#update(stored, (record) => {
      if (tests === 'as read' && toStoredMigration(record).version !== stored.version) return 'conflict';
      const status = change(record.status);
      return status === 'conflict' ? status : { ...record, status: deviceMigrationStatus.parse(status) };
    });
  }

  #update({ key, uid, status: { fence } }: StoredMigration, change: Change): Promise<WriteOutcome> {
    return this.#files.exclusively(key, async () => {
      const record = await this.#files.read(key);
      if (record === null || record.metadata.uid !== uid) return { kind: 'gone' };
      if (record.status.fence !== fence) return { kind: 'conflict' };
      const next = change(record);
      if (next === 'conflict') return { kind: 'conflict' };
      assertAllowed(record, next);
      try {
        await this.#replace(record, next);
      } catch (error) {
        if (error instanceof NotDurableError) return { kind: 'ambiguous', cause: error };
        throw error;
      }
      return { kind: 'written', stored: toStoredMigration(next) };
    });
  }

  /** As in a cluster, the last finalizer of an object that is being deleted takes the object with it. */
  async #replace(record: MigrationRecord, next: MigrationRecord): Promise<void> {
    const { deletionTimestamp, finalizers } = next.metadata;
    if (next === record) return;
    if (deletionTimestamp !== undefined && finalizers.length === 0) await this.#files.remove(next.metadata);
    else await this.#files.write(next);
  }

  #timestamp(): string {
    return this.#clock.wallNow().toISOString();
  }
}

/** What is written late of these must find the voyage where it was: it may have gone on. */
const DECIDING: readonly (keyof StatusPatch)[] = ['completedAt', 'target', 'sourceDead'];

const testsOf = (patch: StatusPatch): 'as read' | 'fence' =>
  DECIDING.some((field) => Object.hasOwn(patch, field)) ? 'as read' : 'fence';

/** Absent fields stay, `null` removes. */
function merged(status: DeviceMigrationStatus, patch: StatusPatch): DeviceMigrationStatus {
  const entries = Object.entries(patch).filter(([, value]) => value !== undefined);
  const removed = new Set(entries.filter(([, value]) => value === null).map(([field]) => field));
  const whole = { ...status, ...Object.fromEntries(entries) };
  const kept = Object.entries(whole).filter(([field]) => !removed.has(field));
  return Object.fromEntries(kept) as DeviceMigrationStatus;
}

/** @throws when a rule of the API forbids the update: a mistake of the caller, which repeating cannot mend. */
function assertAllowed(old: MigrationRecord, next: MigrationRecord): void {
  if (old.spec === null || next.spec === null) return;
  const { apiVersion, kind, metadata } = old;
  const before: DeviceMigration = { apiVersion, kind, metadata, spec: old.spec, status: old.status };
  const allowed = checkUpdate(before, { ...before, spec: next.spec, status: next.status });
  if (!allowed.ok) throw Object.assign(new Error(allowed.message), { code: allowed.code });
}
