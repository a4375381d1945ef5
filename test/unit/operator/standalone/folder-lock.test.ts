import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { systemClock } from '@transship/operator/internal/clock';
import { FolderLock } from '@transship/operator/internal/standalone/folder-lock';

import { Child } from '../support/child.ts';
import { expectEventually } from '../support/eventually.ts';
import { RecordLog } from '../support/record-log.ts';
import { TemporaryFolder } from '../support/temporary-folder.ts';

/** As short as proper-lockfile goes. */
const SHORT = { staleMs: 2_000, refreshMs: 1_000, retryMs: 50 };
/** A lock that nobody takes over because of its age while a test lasts. */
const LONG = { staleMs: 600_000, refreshMs: 1_000, retryMs: 50 };

let folder: TemporaryFolder;
let end: AbortController;
let held: FolderLock | null;

beforeEach(async () => {
  folder = await TemporaryFolder.create();
  end = new AbortController();
  held = null;
});

afterEach(async () => {
  end.abort();
  await held?.release();
  await folder[Symbol.asyncDispose]();
});

async function acquire(instance: string, times = SHORT): Promise<FolderLock | null> {
  const directory = join(folder.path, 'records');
  const log = new RecordLog();
  const options = { directory, instance, clock: systemClock, log, onLost: () => undefined, times };
  return (held = await FolderLock.acquire(options, end.signal));
}

/** Another process that holds the folder; before it ends because of a lost lock, it tries to write all the same. */
function holder(times = SHORT): Child {
  const directory = JSON.stringify(join(folder.path, 'records'));
  return new Child(`
    import { systemClock } from '@transship/operator/internal/clock';
    import { replaceFile } from '@transship/operator/internal/standalone/durable-file';
    import { FolderLock } from '@transship/operator/internal/standalone/folder-lock';
    const nothing = () => undefined;
    const log = { debug: nothing, info: nothing, warn: nothing, error: nothing };
    const onLost = async () => {
      await replaceFile(${directory} + '/late.json', 'late', () => lock.assertHeld()).then(
        () => console.log('written'),
        (error) => console.log('refused ' + error.name));
      process.exit(3);
    };
    const lock = await FolderLock.acquire(
      { directory: ${directory}, instance: 'child', clock: systemClock, log, onLost, times: ${JSON.stringify(times)} },
      new AbortController().signal,
    );
    console.log('held');
    setInterval(nothing, 1000);`);
}

describe('the lock of a folder', () => {
  test('is had at once when nobody holds it, and had again after it was released', async () => {
    const first = await acquire('one');
    await first?.assertHeld();
    await first?.release();
    const second = await acquire('two');
    await expect(second?.assertHeld()).resolves.toBeUndefined();
    await expect(first?.assertHeld()).rejects.toMatchObject({ name: 'FolderLockLostError' });
  });

  test('is waited for while another process lives that holds it, and refreshed by that one', async () => {
    await using child = holder(LONG);
    await child.expectLine('held');
    let got = false;
    const waiting = acquire('parent', LONG).then((lock) => (got = lock !== null));
    const refreshedAt = async () => (await stat(join(folder.path, 'records', 'operator.lock'))).mtimeMs;
    const before = await refreshedAt();
    await expectEventually(async () => (await refreshedAt()) > before);
    expect(got).toBe(false);
    end.abort();
    expect(await waiting).toBe(false);
  });

  test('is had without waiting for its age when the process that held it is dead', async () => {
    const child = holder(LONG);
    await child.expectLine('held');
    await child.kill();
    const lock = await acquire('parent', LONG);
    await expect(lock?.assertHeld()).resolves.toBeUndefined();
  });

  test('goes over from a process that stands still, whose late write is refused and which then ends', async () => {
    await using child = holder();
    await child.expectLine('held');
    child.pause();
    const lock = await acquire('parent');
    child.resume();

    expect(await child.ended()).toBe(3);
    expect(child.said).toEqual(['held', 'refused FolderLockLostError']);
    await expect(lock?.assertHeld()).resolves.toBeUndefined();
    expect(await readdir(join(folder.path, 'records'))).not.toContain('late.json');
  });
});
