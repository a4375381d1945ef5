import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { deviceMigrationSpec, deviceMigrationStatus, FINALIZER } from '@transship/crds';
import type {
  StatusPatch,
  StoredMigration,
  WriteOutcome,
} from '@transship/operator/internal/reconcile/ports';
import type { MigrationRecord } from '@transship/operator/internal/standalone/record';
import { RecordFiles } from '@transship/operator/internal/standalone/record-files';
import { FolderMigrationStore } from '@transship/operator/internal/standalone/store';

import { ManualClock } from '../support/manual-clock.ts';
import { TemporaryFolder } from '../support/temporary-folder.ts';

const KEY = { namespace: 'ml', name: 'trainer-0' };
const LEFT = { nodeName: 'gpu-b', code: 'AgentUnreachable', message: 'it was silent' };

let folder: TemporaryFolder;
let files: RecordFiles;
let store: FolderMigrationStore;
let guard: () => Promise<void>;

beforeEach(async () => {
  folder = await TemporaryFolder.create();
  guard = async () => undefined;
  files = new RecordFiles(folder.path, () => guard());
  store = new FolderMigrationStore(files, new ManualClock());
  await files.write(record());
});

afterEach(() => folder[Symbol.asyncDispose]());

function record(metadata: Partial<MigrationRecord['metadata']> = {}): MigrationRecord {
  return {
    apiVersion: 'transship.dev/v1alpha1',
    kind: 'DeviceMigration',
    metadata: {
      ...KEY,
      uid: '6f1c4f2e-7a0b-4b57-9d86-0c7f3f0f2a10',
      generation: 1,
      creationTimestamp: '2026-01-01T00:00:00.000Z',
      finalizers: [],
      ...metadata,
    },
    manifest: 'trainer.yaml',
    spec: deviceMigrationSpec.parse({
      source: { nodeName: 'gpu-a', devices: ['gpu-a/0'] },
      target: { nodeName: 'gpu-b' },
    }),
    status: deviceMigrationStatus.parse({}),
  };
}

async function stored(): Promise<StoredMigration> {
  const found = await store.get(KEY);
  if (found === null) throw new Error('not there');
  return found;
}

function written(outcome: WriteOutcome): StoredMigration {
  if (outcome.kind !== 'written') throw new Error(`the write ended as ${outcome.kind}`);
  return outcome.stored;
}

describe('a store of records', () => {
  test('reads what is there, and nothing as null', async () => {
    expect(await stored()).toMatchObject({ key: KEY, spec: { ok: true }, status: { fence: 0 } });
    expect(await store.get({ namespace: '', name: 'other' })).toBeNull();
  });

  test('keeps what was written over a restart', async () => {
    const raised = written(await store.raiseFence(await stored(), 'me'));
    const again = new FolderMigrationStore(new RecordFiles(folder.path, guard), new ManualClock());
    expect(await again.get(KEY)).toEqual(raised);
    expect(raised.status).toMatchObject({ fence: 1, operator: 'me' });
  });

  test('ends a migration in the write that takes it up', async () => {
    const end = { phase: 'Failed', completedAt: '2026-01-01T00:00:02Z' } as const;
    const { status } = written(await store.raiseFence(await stored(), 'me', undefined, end));
    expect(status).toMatchObject({ ...end, fence: 1, operator: 'me' });
    expect((await stored()).status).toEqual(status);
  });

  test('lets one of two writers raise the fence that saw the same record', async () => {
    const seen = await stored();
    const outcomes = await Promise.all(['a', 'b', 'c'].map((name) => store.raiseFence(seen, name)));
    expect(outcomes.map(({ kind }) => kind)).toEqual(['written', 'conflict', 'conflict']);
    expect((await stored()).status).toMatchObject({ fence: 1, operator: 'a' });
  });

  test('ends, stops and decides nothing that was written since it was read, under the same fence too', async () => {
    const { status } = await stored();
    const read = written(await store.raiseFence(await stored(), 'me'));
    written(await store.patchStatus(read, { progress: '1%' }));
    const end = { phase: 'Failed', completedAt: '2026-01-01T00:00:02Z' } as const;
    expect(await store.patchStatus(read, end)).toEqual({ kind: 'conflict' });
    expect(await store.recordStopping(read, 'me')).toEqual({ kind: 'conflict' });
    expect(await store.recordDecision(read, 'Undecided', 'Abort', 'me', 'because')).toEqual({
      kind: 'conflict',
    });
    expect((await stored()).status).toMatchObject({
      fence: status.fence + 1,
      decision: { value: 'Undecided' },
    });
    expect((await store.patchStatus(await stored(), end)).kind).toBe('written');
  });

  test.each<[string, StatusPatch]>([
    ['leaves a target', { target: { nodeName: 'gpu-c', generation: 2, abandoned: [LEFT] } }],
    ['ends a migration', { phase: 'Failed', completedAt: '2026-01-01T00:00:02Z' }],
  ])('a raise of the fence that %s finds the record as it was read', async (_, patch) => {
    const read = await stored();
    written(await store.recordStopping(read, 'other'));
    expect(await store.raiseFence(read, 'me', undefined, patch)).toEqual({ kind: 'conflict' });
    const { fence, stopping } = (await stored()).status;
    expect({ fence, by: stopping?.by }).toEqual({ fence: 0, by: 'other' });
    expect((await store.raiseFence(await stored(), 'me', undefined, patch)).kind).toBe('written');
  });

  test('refuses every write under a fence that somebody raised since', async () => {
    const stale = await stored();
    const current = written(await store.raiseFence(stale, 'new'));
    const outcomes = [
      await store.raiseFence(stale, 'old'),
      await store.recordStopping(stale, 'old'),
      await store.recordDecision(stale, 'Undecided', 'Commit', 'old', ''),
      await store.patchStatus(stale, { phase: 'Succeeded' }),
      await store.addFinalizer(stale),
      await store.removeFinalizer(stale),
    ];
    expect(outcomes.map(({ kind }) => kind)).toEqual(outcomes.map(() => 'conflict'));
    expect(await stored()).toEqual(current);
  });

  test('records stopping and each decision once', async () => {
    const before = await stored();
    const stopping = written(await store.recordStopping(before, 'me'));
    expect(stopping.status.stopping).toEqual({ at: '2026-01-01T00:00:00.000Z', by: 'me' });
    expect(await store.recordStopping(before, 'me')).toEqual({ kind: 'conflict' });
    const commit = written(
      await store.recordDecision(stopping, 'Undecided', 'Commit', 'me', 'x'.repeat(5_000)),
    );
    expect(commit.status.decision.reason).toHaveLength(1_024);
    expect(await store.recordDecision(stopping, 'Undecided', 'Abort', 'me', '')).toEqual({
      kind: 'conflict',
    });
    const revert = written(await store.recordDecision(commit, 'Commit', 'Revert', 'me', 'never started'));
    expect(revert.status.decision).toMatchObject({ value: 'Revert', by: 'me' });
  });

  test('throws when a rule of the API forbids a write, and changes nothing', async () => {
    const before = await stored();
    await expect(store.recordDecision(before, 'Undecided', 'Revert', 'me', '')).rejects.toMatchObject({
      code: 'RecordRegressed',
    });
    await expect(store.patchStatus(before, { progress: '200%' })).rejects.toThrow('progress');
    expect(await stored()).toEqual(before);
  });

  test('patches, keeps and removes fields of the status', async () => {
    const first = written(await store.patchStatus(await stored(), { phase: 'PreCopy', progress: '10%' }));
    const second = written(await store.patchStatus(first, { progress: null, downtime: '41ms' }));
    expect(second.status).toMatchObject({ phase: 'PreCopy', downtime: '41ms' });
    expect(second.status).not.toHaveProperty('progress');
  });

  test('takes a record with another UID for another migration', async () => {
    const before = await stored();
    await files.write(record({ uid: '00000000-7a0b-4b57-9d86-0c7f3f0f2a10' }));
    expect(await store.raiseFence(before, 'me')).toEqual({ kind: 'gone' });
  });

  test('removes a record with its last finalizer once deletion was asked for', async () => {
    const held = written(await store.addFinalizer(await stored()));
    expect(held.finalizerPresent).toBe(true);
    expect(written(await store.removeFinalizer(held)).finalizerPresent).toBe(false);
    expect(await stored()).not.toBeNull();

    await files.write(record({ finalizers: [FINALIZER], deletionTimestamp: '2026-01-02T00:00:00.000Z' }));
    const deleting = await stored();
    expect(deleting.deletionRequested).toBe(true);
    written(await store.removeFinalizer(deleting));
    expect(await store.get(KEY)).toBeNull();
    expect(await store.removeFinalizer(deleting)).toEqual({ kind: 'gone' });
  });

  test('gives no finalizer to what is being deleted', async () => {
    await files.write(record({ finalizers: ['other'], deletionTimestamp: '2026-01-02T00:00:00.000Z' }));
    expect(await store.addFinalizer(await stored())).toEqual({ kind: 'conflict' });
  });

  test('writes nothing once another operator holds the folder', async () => {
    const before = await stored();
    guard = () => Promise.reject(new Error('lost'));
    await expect(store.recordDecision(before, 'Undecided', 'Commit', 'me', '')).rejects.toThrow('lost');
    expect(await stored()).toEqual(before);
  });

  test('refuses a torn record in every operation, and leaves it as it is', async () => {
    const before = await stored();
    const path = join(folder.path, 'ml.trainer-0.json');
    const torn = (await readFile(path, 'utf8')).slice(0, -40);
    await writeFile(path, torn);
    await expect(store.get(KEY)).rejects.toMatchObject({ name: 'RecordUnreadableError', code: 'Internal' });
    await expect(store.raiseFence(before, 'me')).rejects.toMatchObject({ name: 'RecordUnreadableError' });
    expect(await readFile(path, 'utf8')).toBe(torn);
  });

  test('refuses a record under the name of another', async () => {
    const text = await readFile(join(folder.path, 'ml.trainer-0.json'), 'utf8');
    await writeFile(join(folder.path, 'ml.trainer-1.json'), text);
    await expect(store.get({ namespace: 'ml', name: 'trainer-1' })).rejects.toMatchObject({
      code: 'Internal',
    });
  });

  test('lists its records, whatever else lies beside them, and clears what a crash left', async () => {
    await writeFile(join(folder.path, '.lonely.v2.json'), 'torn');
    await writeFile(join(folder.path, 'ml.trainer-0.json.0123.tmp'), 'half');
    await writeFile(join(folder.path, 'operator.holder'), '{}');
    expect((await files.list()).toSorted((a, b) => a.name.localeCompare(b.name))).toEqual([
      { namespace: '', name: 'lonely.v2' },
      KEY,
    ]);
    await files.removeLeftovers();
    expect((await readdir(folder.path)).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });
});
