import { appendFile, mkdir, readdir, readFile, rename, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { StoredMigration } from '@transship/operator/internal/reconcile/ports';
import { FolderMigrationFeed } from '@transship/operator/internal/standalone/feed';
import { ManifestFolder } from '@transship/operator/internal/standalone/manifest-folder';
import { RecordFiles } from '@transship/operator/internal/standalone/record-files';
import { FolderMigrationStore } from '@transship/operator/internal/standalone/store';

import { ManualClock } from '../support/manual-clock.ts';
import { RecordLog } from '../support/record-log.ts';
import { TemporaryFolder } from '../support/temporary-folder.ts';

const SETTLE_MS = 200;
/** Several looks fit into the time in which a file settles. */
const POLL_MS = 30;

let folder: TemporaryFolder;
let records: string;
let files: RecordFiles;
let clock: ManualClock;
let store: FolderMigrationStore;
let log: RecordLog;
let end: AbortController;
let finished: Promise<void>;
let changes: string[];

beforeEach(async () => {
  folder = await TemporaryFolder.create();
  records = join(folder.path, '.transship');
  await mkdir(records);
  files = new RecordFiles(records, async () => undefined);
  clock = new ManualClock();
  store = new FolderMigrationStore(files, clock);
  log = new RecordLog();
  await start();
});

afterEach(async () => {
  await stop();
  await folder[Symbol.asyncDispose]();
});

/** Resolves when the feed has looked once. From there on it looks only while a test lets time pass. */
async function start(): Promise<void> {
  end = new AbortController();
  changes = [];
  const manifests = new ManifestFolder(folder.path, clock, SETTLE_MS);
  const options = { directory: folder.path, folder: manifests, files, clock, log };
  const feed = new FolderMigrationFeed({ ...options, pollMs: POLL_MS, settleMs: SETTLE_MS });
  finished = feed.run(({ namespace, name }) => changes.push(`${namespace}/${name}`), end.signal);
  await clock.pass(0);
}

async function stop(): Promise<void> {
  end.abort();
  await finished;
}

function manifest(name: string, devices = ['gpu-a/0', 'gpu-a/1']): string {
  return [
    'apiVersion: transship.dev/v1alpha1',
    'kind: DeviceMigration',
    `metadata: { name: ${name}, namespace: ml }`,
    'spec:',
    '  target: { nodeName: gpu-b }',
    '  source:',
    '    nodeName: gpu-a',
    '    devices:',
    ...devices.map((device) => `      - ${device}`),
    '',
  ].join('\n');
}

const pathOf = (fileName: string) => join(folder.path, fileName);
const get = (name: string, namespace = 'ml') => store.get({ namespace, name });

/** Long enough for every file to settle and for several looks after that. */
const aWhile = () => clock.pass(3 * SETTLE_MS);

/** Long enough for a look, and too short for a file to settle. */
const aMoment = () => clock.pass(SETTLE_MS / 3);

async function expectRecord(name: string, namespace = 'ml'): Promise<StoredMigration> {
  await aWhile();
  const found = await get(name, namespace);
  if (found === null) throw new Error(`there is no record of ${namespace}/${name}`);
  return found;
}

describe('a folder of manifests', () => {
  test('makes a record of a manifest and tells its key', async () => {
    await writeFile(pathOf('a.yaml'), manifest('a'));
    expect(await expectRecord('a')).toMatchObject({
      key: { namespace: 'ml', name: 'a' },
      generation: 1,
      deletionRequested: false,
      spec: { ok: true, value: { source: { devices: ['gpu-a/0', 'gpu-a/1'] } } },
      status: { phase: 'Pending', fence: 0 },
    });
    expect(changes).toEqual(['ml/a']);
  });

  test('keeps the UID over restarts, and tells every key again after one', async () => {
    await writeFile(pathOf('a.yaml'), manifest('a'));
    const { uid } = await expectRecord('a');
    await stop();
    await start();
    expect(changes).toEqual(['ml/a']);
    await aWhile();
    expect((await get('a'))?.uid).toBe(uid);
  });

  test('never reads a manifest while it is being written', async () => {
    const lastDevice = '      - gpu-a/1\n';
    await writeFile(pathOf('a.yaml'), manifest('a').slice(0, -lastDevice.length));
    for (let step = 0; step < 8; step += 1) {
      await aMoment();
      await appendFile(pathOf('a.yaml'), '      # and\n');
    }
    expect(await get('a')).toBeNull();
    await appendFile(pathOf('a.yaml'), lastDevice);
    const { spec } = await expectRecord('a');
    expect(spec).toMatchObject({ ok: true, value: { source: { devices: ['gpu-a/0', 'gpu-a/1'] } } });
  });

  test('records a bad manifest with its code, under its own name or that of its file', async () => {
    await writeFile(pathOf('same.yaml'), manifest('same').replace('gpu-b', 'gpu-a'));
    await writeFile(pathOf('Broken file.yml'), 'spec: [');
    expect((await expectRecord('same')).spec).toMatchObject({ ok: false, code: 'SameNode' });
    const broken = await expectRecord('broken-file', '');
    expect(broken.spec).toMatchObject({ ok: false, code: 'InvalidManifest' });
    expect(await readdir(records)).toEqual(expect.arrayContaining(['ml.same.json', '.broken-file.json']));
  });

  test('takes the removal of a manifest as a wish to delete, and keeps the record while a finalizer holds it', async () => {
    await writeFile(pathOf('a.yaml'), manifest('a'));
    const before = await expectRecord('a');
    await store.addFinalizer(before);
    changes.length = 0;
    await unlink(pathOf('a.yaml'));
    expect((await expectRecord('a')).deletionRequested).toBe(true);
    expect(changes).toEqual(['ml/a']);

    // Putting it back does not undo the wish, as in a cluster; it becomes another migration once the first is gone.
    await writeFile(pathOf('a.yaml'), manifest('a'));
    const deleting = await expectRecord('a');
    expect(deleting).toMatchObject({ uid: before.uid, deletionRequested: true });
    await store.removeFinalizer(deleting);
    const next = await expectRecord('a');
    expect(next.uid).not.toBe(before.uid);
    expect(next.deletionRequested).toBe(false);
  });

  test('removes the record of a removed manifest that nothing holds, also when that happened while nobody looked', async () => {
    await writeFile(pathOf('a.yaml'), manifest('a'));
    await expectRecord('a');
    await stop();
    await unlink(pathOf('a.yaml'));
    await start();
    await aWhile();
    expect(await get('a')).toBeNull();
  });

  test('does not take a manifest for removed that is replaced, moved to another file, or cannot be read now', async () => {
    await writeFile(pathOf('a.yaml'), manifest('a'));
    const { uid } = await expectRecord('a');
    await rename(pathOf('a.yaml'), pathOf('a.yaml~'));
    await aMoment();
    await rename(pathOf('a.yaml~'), pathOf('a.yaml'));
    await aWhile();
    await writeFile(pathOf('b.yaml'), manifest('a'));
    await aWhile();
    await unlink(pathOf('a.yaml'));
    await aWhile();
    await writeFile(pathOf('b.yaml'), 'spec: [');
    await aWhile();
    expect(await get('a')).toMatchObject({ uid, deletionRequested: false });
  });

  test('leaves a migration as it was accepted when its manifest changes, and says so once', async () => {
    await writeFile(pathOf('a.yaml'), manifest('a'));
    const before = await expectRecord('a');
    await writeFile(pathOf('a.yaml'), manifest('a', ['gpu-a/7']));
    await aWhile();
    expect(log.lines).toEqual(['warn manifest is passed over']);
    expect(await get('a')).toEqual(before);
  });

  test('takes the first of two manifests with the same name, by the names of their files', async () => {
    // Both are there when it first looks: of two that come one after the other it may take the one that came first.
    await stop();
    await writeFile(pathOf('b.yaml'), manifest('a', ['gpu-a/7']));
    await writeFile(pathOf('a.yaml'), manifest('a'));
    await start();
    const { spec } = await expectRecord('a');
    expect(spec).toMatchObject({ ok: true, value: { source: { devices: ['gpu-a/0', 'gpu-a/1'] } } });
    expect(log.lines).toEqual(['warn manifest is passed over']);
  });

  test('never makes a new record over one that cannot be read, and tells its key all the same', async () => {
    await writeFile(join(records, 'ml.a.json'), '{"torn":');
    await writeFile(pathOf('a.yaml'), manifest('a'));
    await aWhile();
    await stop();
    await start();
    expect(changes).toEqual(['ml/a']);
    await aWhile();
    expect(await readFile(join(records, 'ml.a.json'), 'utf8')).toBe('{"torn":');
    // Once by each of the two feeds, however often they look.
    expect(log.lines).toEqual(Array(2).fill('error record cannot be read or written'));
  });

  test('passes over files of other kinds and hidden ones', async () => {
    await writeFile(pathOf('notes.txt'), manifest('a'));
    await writeFile(pathOf('.hidden.yaml'), manifest('a'));
    await writeFile(pathOf('other.yaml'), 'apiVersion: v1\nkind: Pod\nmetadata: { name: a }\n');
    await aWhile();
    expect(await files.list()).toEqual([]);
  });

  test('comes back after the folder was away', async () => {
    await rename(folder.path, `${folder.path}.away`);
    await aWhile();
    expect(log.lines).toContain('error manifests cannot be read');
    await rename(`${folder.path}.away`, folder.path);
    await writeFile(pathOf('a.yaml'), manifest('a'));
    expect((await expectRecord('a')).deletionRequested).toBe(false);
  });
});
