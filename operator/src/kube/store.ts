import {
  clipMessage,
  type DecisionValue,
  DEVICE_MIGRATION_PLURAL,
  type DeviceMigrationStatus,
  FINALIZER,
  GROUP,
  VERSION,
} from '@transship/crds';
import type {
  Clock,
  MigrationKey,
  MigrationStore,
  StatusPatch,
  StoredMigration,
  WriteOutcome,
} from '../reconcile/ports.ts';
import { KubeApiError, NoAnswerError } from './api-error.ts';
import { type PatchOperation, pointer, testsHold } from './json-patch.ts';
import { readStoredObject, type StoredObject, toStoredMigration } from './stored-migration.ts';
import type { KubeTransport } from './transport.ts';

/** One request; the API server itself gives up after 60 s, but a record is asked for while a workload stands still. */
const DEADLINE_MS = 10_000;
/** Of status.decision.reason and the instance names in the record. */
const REASON_MAX = 1024;

/**
 * DeviceMigrations at an API server. Reads are quorum reads (no resourceVersion), writes are JSON patches whose tests the
 * API server evaluates against the newest object, also when it repeats the patch after a conflict of its own.
 */
export class KubeMigrationStore implements MigrationStore {
  readonly #transport: KubeTransport;
  readonly #clock: Clock;
  readonly #deadlineMs: number;

  constructor(transport: KubeTransport, clock: Clock, deadlineMs: number = DEADLINE_MS) {
    this.#transport = transport;
    this.#clock = clock;
    this.#deadlineMs = deadlineMs;
  }

  async get(key: MigrationKey, signal: AbortSignal): Promise<StoredMigration | null> {
    const object = await this.#read(key, signal);
    return object === null ? null : toStoredMigration(object);
  }

  raiseFence(
    stored: StoredMigration,
    operator: string,
    signal: AbortSignal,
    patch: StatusPatch = {},
  ): Promise<WriteOutcome> {
    const { fence } = stored.status;
    return this.#patch(
      stored,
      [
        ...endTests(stored, patch),
        { op: 'replace', path: '/status/fence', value: fence + 1 },
        { op: 'add', path: '/status/operator', value: operator },
        ...statusOperations(stored.status, patch),
      ],
      signal,
    );
  }

  recordStopping(stored: StoredMigration, operator: string, signal: AbortSignal): Promise<WriteOutcome> {
    return this.#patch(
      stored,
      [
        ...asRead(stored),
        { op: 'add', path: '/status/stopping', value: { at: this.#timestamp(), by: operator } },
      ],
      signal,
    );
  }

  recordDecision(
    stored: StoredMigration,
    from: DecisionValue,
    to: DecisionValue,
    operator: string,
    reason: string,
    signal: AbortSignal,
  ): Promise<WriteOutcome> {
    const value = { value: to, at: this.#timestamp(), by: operator, reason: clipMessage(reason, REASON_MAX) };
    return this.#patch(
      stored,
      [...asRead(stored, from), { op: 'replace', path: '/status/decision', value }],
      signal,
    );
  }

  async patchStatus(stored: StoredMigration, patch: StatusPatch, signal: AbortSignal): Promise<WriteOutcome> {
    const operations = statusOperations(stored.status, patch);
    if (operations.length === 0) return { kind: 'written', stored };
    return this.#patch(stored, [...endTests(stored, patch), ...operations], signal);
  }

  addFinalizer(
    stored: StoredMigration,
    signal: AbortSignal,
    finalizer: string = FINALIZER,
  ): Promise<WriteOutcome> {
    return this.#patchFinalizers(stored, signal, (finalizers, deleting) => {
      if (finalizers.includes(finalizer)) return 'done';
      if (deleting) return 'conflict';
      if (finalizers.length === 0) return [{ op: 'add', path: '/metadata/finalizers', value: [finalizer] }];
      return [{ op: 'add', path: '/metadata/finalizers/-', value: finalizer }];
    });
  }

  removeFinalizer(
    stored: StoredMigration,
    signal: AbortSignal,
    finalizer: string = FINALIZER,
  ): Promise<WriteOutcome> {
    return this.#patchFinalizers(stored, signal, (finalizers) => {
      const index = finalizers.indexOf(finalizer);
      if (index < 0) return 'done';
      return [{ op: 'remove', path: pointer('metadata', 'finalizers', String(index)) }];
    });
  }

  /** Finalizers are a list that others share, so the object is read first and its resourceVersion tested as well. */
  async #patchFinalizers(
    stored: StoredMigration,
    signal: AbortSignal,
    plan: (
      finalizers: readonly string[],
      deleting: boolean,
    ) => readonly PatchOperation[] | 'done' | 'conflict',
  ): Promise<WriteOutcome> {
    const now = await this.#read(stored.key, signal);
    if (now === null || now.metadata.uid !== stored.uid) return { kind: 'gone' };
    const current = toStoredMigration(now);
    const isAsRead =
      current.status.fence === stored.status.fence &&
      current.status.completedAt === stored.status.completedAt;
    if (!isAsRead) return { kind: 'conflict' };
    const operations = plan(now.metadata.finalizers ?? [], current.deletionRequested);
    if (operations === 'done') return { kind: 'written', stored: current };
    if (operations === 'conflict') return { kind: 'conflict' };
    const { resourceVersion } = now.metadata;
    const test: PatchOperation = { op: 'test', path: '/metadata/resourceVersion', value: resourceVersion };
    return this.#patch(stored, [test, ...operations], signal, '');
  }

  async #patch(
    stored: StoredMigration,
    operations: readonly PatchOperation[],
    signal: AbortSignal,
    subresource: '/status' | '' = '/status',
  ): Promise<WriteOutcome> {
    const patch: PatchOperation[] = [
      { op: 'test', path: '/metadata/uid', value: stored.uid },
      { op: 'test', path: '/status/fence', value: stored.status.fence },
      ...operations,
    ];
    try {
      const answer = await this.#transport.request(
        {
          method: 'PATCH',
          path: pathOf(stored.key) + subresource,
          body: patch,
          contentType: 'application/json-patch+json',
          deadlineMs: this.#deadlineMs,
        },
        signal,
      );
      return { kind: 'written', stored: toStoredMigration(readStoredObject(answer)) };
    } catch (error) {
      return this.#outcomeOf(error, stored, patch, signal);
    }
  }

  /** What a failed write means: who is wrong decides it, and where that cannot be known it is `ambiguous`. */
  async #outcomeOf(
    error: unknown,
    stored: StoredMigration,
    patch: readonly PatchOperation[],
    signal: AbortSignal,
  ): Promise<WriteOutcome> {
    if (error instanceof NoAnswerError && error.sent) return { kind: 'ambiguous', cause: error };
    if (!(error instanceof KubeApiError)) throw error;
    // A 5xx may come from a proxy, or from an API server that lost its etcd in the middle of the write.
    if (error.httpStatus >= 500) return { kind: 'ambiguous', cause: error };
    if (error.isObjectNotFound(stored.key.name)) return { kind: 'gone' };
    if (error.httpStatus === 409) return { kind: 'conflict' };
    if (error.httpStatus !== 422) throw error;
    // 422 is both a test that failed and a rule of the schema; the object tells which.
    const now = await this.#read(stored.key, signal);
    if (now === null || now.metadata.uid !== stored.uid) return { kind: 'gone' };
    if (testsHold(now, patch)) throw error;
    return { kind: 'conflict' };
  }

  async #read(key: MigrationKey, signal: AbortSignal): Promise<StoredObject | null> {
    const request = { method: 'GET', path: pathOf(key), deadlineMs: this.#deadlineMs } as const;
    try {
      return readStoredObject(await this.#transport.request(request, signal));
    } catch (error) {
      if (error instanceof KubeApiError && error.isObjectNotFound(key.name)) return null;
      throw error;
    }
  }

  #timestamp(): string {
    return this.#clock.wallNow().toISOString();
  }
}

function pathOf({ namespace, name }: MigrationKey): string {
  const place = `namespaces/${encodeURIComponent(namespace)}/${DEVICE_MIGRATION_PLURAL}/${encodeURIComponent(name)}`;
  return `/apis/${GROUP}/${VERSION}/${place}`;
}

/** What lands late of these must find the voyage where it was: it may have gone on. */
const DECIDING: readonly (keyof StatusPatch)[] = ['completedAt', 'target', 'sourceDead'];

const endTests = (stored: StoredMigration, patch: StatusPatch): PatchOperation[] =>
  DECIDING.some((field) => Object.hasOwn(patch, field)) ? asRead(stored) : [];

/** Tests that nobody has stopped, decided or ended the migration, or changed its target, since it was read. */
function asRead({ version, status }: StoredMigration, from = status.decision.value): PatchOperation[] {
  const { stopping, target, completedAt } = status;
  const at = stopping === undefined ? '/status/stopping' : '/status/stopping/at';
  const node = target === undefined ? '/status/target' : '/status/target/nodeName';
  return [
    { op: 'test', path: '/metadata/resourceVersion', value: version },
    { op: 'test', path: node, value: target?.nodeName ?? null },
    { op: 'test', path: '/status/decision/value', value: from },
    { op: 'test', path: at, value: stopping?.at ?? null },
    { op: 'test', path: '/status/completedAt', value: completedAt ?? null },
  ];
}

/** `add` sets a field whether it is there or not; `remove` fails on a field that is not, so it must be there. */
function statusOperations(status: DeviceMigrationStatus, patch: StatusPatch): PatchOperation[] {
  const operations: PatchOperation[] = [];
  for (const [field, value] of Object.entries(patch)) {
    const path = pointer('status', field);
    if (value === undefined) continue;
    if (value !== null) operations.push({ op: 'add', path, value });
    else if (Object.hasOwn(status, field)) operations.push({ op: 'remove', path });
  }
  return operations;
}
