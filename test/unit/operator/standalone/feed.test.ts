import { appendFile, mkdir, readdir, readFile, rename, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { systemClock } from '@transship/operator/internal/clock';
import type { StoredMigration } from '@transship/operator/internal/reconcile/ports';
import { FolderMigrationFeed } from '@transship/operator/internal/standalone/feed';
import { ManifestFolder } from '@transship/operator/internal/standalone/manifest-folder';
import { RecordFiles } from '@transship/operator/internal/standalone/record-files';
import { FolderMigrationStore } from '@transship/operator/internal/standalone/store';

import { expectEventually } from '../support/eventually.ts';
import { RecordLog } from '../support/record-log.ts';
import { TemporaryFolder } from '../support/temporary-folder.ts';

const SETTLE_MS = 60;
const POLL_MS = 100;

let folder: TemporaryFolder;
let records: string;
let files: RecordFiles;
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
  store = new FolderMigrationStore(files, systemClock);
  log = new RecordLog();
  start();
});

afterEach(async () => {
  end.abort();
  await finished;
  await folder[Symbol.asyncDispose]();
});

function start(): void {
  end = new AbortController();
  changes = [];
  const manifests = new ManifestFolder(folder.path, systemClock, SETTLE_MS);
  const options = { directory: folder.path, folder: manifests, files, clock: systemClock, log };
  const feed = new FolderMigrationFeed({ ...options, pollMs: POLL_MS, settleMs: SETTLE_MS });
  finished = feed.run(({ namespace, name }) => changes.push(`${namespace}/${name}`), end.signal);
}

async function restart(): Promise<void> {
  end.abort();
  await finished;
  start();
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

async function expectRecord(name: string, namespace = 'ml'): Promise<StoredMigration> {
  await expectEventually(async () => (await get(name, namespace)) !== null);
  return (await get(name, namespace))!;
}

/** Long enough for several looks at the folder. */
const aWhile = () => sleep(4 * POLL_MS);

describe('a folder of manifests', () => {
  test('makes a record of a manifest and tells its key', async () => {
    await writeFile(pathOf('a.yaml'), manifest('a'));
    const record = await expectRecord('a');
    expect(record).toMatchObject({
      key: { namespace: 'ml', name: 'a' },
      generation: 1,
      deletionRequested: false,
      spec: { ok: true, value: { source: { devices: ['gpu-a/0', 'gpu-a/1'] } } },
      status: { phase: 'Pending', fence: 0 },
    });
    await expectEventually(() => changes.includes('ml/a'));
  });

  test('keeps the UID over restarts, and tells every key again after one', async () => {
    await writeFile(pathOf('a.yaml'), manifest('a'));
    const { uid } = await expectRecord('a');
    await restart();
    await expectEventually(() => changes.includes('ml/a'));
    await aWhile();
    expect((await get('a'))?.uid).toBe(uid);
  });

  test('never reads a manifest while it is being written', async () => {
    const lastDevice = '      - gpu-a/1\n';
    await writeFile(pathOf('a.yaml'), manifest('a').slice(0, -lastDevice.length));
    for (let step = 0; step < 8; step += 1) {
      await sleep(SETTLE_MS / 3);
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
    await expectEventually(async () => (await get('a'))?.deletionRequested === true);
    await expectEventually(() => changes.includes('ml/a'));

    // Putting it back does not undo the wish, as in a cluster; it becomes another migration once the first is gone.
    await writeFile(pathOf('a.yaml'), manifest('a'));
    await aWhile();
    const deleting = (await get('a'))!;
    expect(deleting).toMatchObject({ uid: before.uid, deletionRequested: true });
    await store.removeFinalizer(deleting);
    await expectEventually(async () => ![undefined, before.uid].includes((await get('a'))?.uid));
    expect((await get('a'))?.deletionRequested).toBe(false);
  });

  test('removes the record of a removed manifest that nothing holds, also when that happened while nobody looked', async () => {
    await writeFile(pathOf('a.yaml'), manifest('a'));
    await expectRecord('a');
    end.abort();
    await finished;
    await unlink(pathOf('a.yaml'));
    start();
    await expectEventually(async () => (await get('a')) === null);
  });

  test('does not take a manifest for removed that is replaced, moved to another file, or cannot be read now', async () => {
    await writeFile(pathOf('a.yaml'), manifest('a'));
    const { uid } = await expectRecord('a');
    await rename(pathOf('a.yaml'), pathOf('a.yaml~'));
    await sleep(SETTLE_MS / 3);
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
    await expectEventually(() => log.lines.length > 0);
    await aWhile();
    expect(log.lines).toEqual(['warn manifest is passed over']);
    expect(await get('a')).toEqual(before);
  });

  test('takes the first of two manifests with the same name, by the names of their files', async () => {
    await writeFile(pathOf('b.yaml'), manifest('a', ['gpu-a/7']));
    await writeFile(pathOf('a.yaml'), manifest('a'));
    const { spec } = await expectRecord('a');
    await aWhile();
    expect(spec).toMatchObject({ ok: true, value: { source: { devices: ['gpu-a/0', 'gpu-a/1'] } } });
    expect(log.lines).toEqual(['warn manifest is passed over']);
  });

  test('never makes a new record over one that cannot be read, and tells its key all the same', async () => {
    await writeFile(join(records, 'ml.a.json'), '{"torn":');
    await writeFile(pathOf('a.yaml'), manifest('a'));
    await restart();
    await expectEventually(() => changes.includes('ml/a'));
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
    await expectEventually(() => log.lines.length > 0);
    await rename(`${folder.path}.away`, folder.path);
    await writeFile(pathOf('a.yaml'), manifest('a'));
    expect((await expectRecord('a')).deletionRequested).toBe(false);
  });
});
