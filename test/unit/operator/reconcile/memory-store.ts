import {
  deviceMigrationStatus,
  FINALIZER,
  parseMigration,
  PODS_FINALIZER,
  type DecisionValue,
} from '@transship/crds';
import type {
  MigrationKey,
  MigrationStore,
  StatusPatch,
  StoredMigration,
  WriteOutcome,
} from '@transship/operator/internal/reconcile/ports';
import { goodManifest } from '../../../support/bad-manifests.ts';

export const KEY: MigrationKey = { namespace: 'default', name: 'trainer-0' };

/** One record with the tests that the API server would make; writes can be lost on their way back, or before. */
export class MemoryStore implements MigrationStore {
  stored: StoredMigration | null;
  /** Every write that was applied, in order. */
  readonly writes: string[] = [];
  /** What the next write that matches comes to, instead of its ordinary outcome. */
  upset: { readonly write: string; readonly applied: boolean } | null = null;

  constructor(manifest: unknown = goodManifest()) {
    const parsed = parseMigration(manifest);
    this.stored = {
      key: KEY,
      uid: 'uid-1',
      version: '0',
      generation: 1,
      createdAt: new Date(0),
      deletionRequested: false,
      finalizerPresent: false,
      spec: parsed.ok ? { ok: true, value: parsed.value.spec } : parsed,
      status: deviceMigrationStatus.parse({}),
    };
  }

  get(): Promise<StoredMigration | null> {
    return Promise.resolve(this.stored);
  }

  requestDeletion(): void {
    if (this.stored !== null) this.stored = { ...this.stored, deletionRequested: true };
  }

  raiseFence(
    read: StoredMigration,
    operator: string,
    _signal?: AbortSignal,
    patch: StatusPatch = {},
  ): Promise<WriteOutcome> {
    return this.write(read, 'fence', ({ status }) => ({
      status: { ...merged(status, patch), fence: status.fence + 1, operator },
    }));
  }

  recordStopping(read: StoredMigration, by: string): Promise<WriteOutcome> {
    const at = '2026-01-01T00:00:00Z';
    return this.write(read, 'stopping', ({ status }) => ({ status: { ...status, stopping: { at, by } } }));
  }

  recordDecision(
    read: StoredMigration,
    from: DecisionValue,
    value: DecisionValue,
    by: string,
    reason: string,
  ): Promise<WriteOutcome> {
    return this.write(read, value, ({ status }) =>
      status.decision.value === from ? { status: { ...status, decision: { value, by, reason } } } : null,
    );
  }

  patchStatus(read: StoredMigration, patch: StatusPatch): Promise<WriteOutcome> {
    return this.write(read, `status ${patch.phase ?? ''}`.trim(), ({ status }) => ({
      status: merged(status, patch),
    }));
  }

  addFinalizer(
    read: StoredMigration,
    _signal?: AbortSignal,
    finalizer: string = FINALIZER,
  ): Promise<WriteOutcome> {
    const isOfPods = finalizer === PODS_FINALIZER;
    return this.write(read, isOfPods ? 'pods finalizer' : 'finalizer', () =>
      isOfPods ? { podsFinalizerPresent: true } : { finalizerPresent: true },
    );
  }

  removeFinalizer(
    read: StoredMigration,
    _signal?: AbortSignal,
    finalizer: string = FINALIZER,
  ): Promise<WriteOutcome> {
    const isOfPods = finalizer === PODS_FINALIZER;
    return this.write(read, isOfPods ? 'no pods finalizer' : 'no finalizer', () =>
      isOfPods ? { podsFinalizerPresent: false } : { finalizerPresent: false },
    );
  }

  private write(
    read: StoredMigration,
    name: string,
    change: (now: StoredMigration) => Partial<StoredMigration> | null,
  ): Promise<WriteOutcome> {
    const now = this.stored;
    if (now === null) return Promise.resolve({ kind: 'gone' });
    if (now.uid !== read.uid) return Promise.resolve({ kind: 'conflict' });
    if (now.status.fence !== read.status.fence) return Promise.resolve({ kind: 'conflict' });
    const changed = change(now);
    if (changed === null) return Promise.resolve({ kind: 'conflict' });
    const upset = this.upset?.write === name ? this.upset : null;
    if (upset !== null) this.upset = null;
    if (upset === null || upset.applied) {
      this.writes.push(name);
      this.stored = { ...now, ...changed, version: String(this.writes.length) };
    }
    if (upset !== null) return Promise.resolve({ kind: 'ambiguous', cause: new Error('no answer') });
    return Promise.resolve({ kind: 'written', stored: this.stored ?? now });
  }
}

function merged(status: StoredMigration['status'], patch: StatusPatch): StoredMigration['status'] {
  const kept = Object.entries({ ...status, ...patch }).filter(([, value]) => value !== null);
  return deviceMigrationStatus.parse(Object.fromEntries(kept));
}
