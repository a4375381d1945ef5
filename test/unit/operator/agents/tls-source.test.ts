import { unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { TlsSource } from '@transship/operator/internal/agents/tls-source';

import { ManualClock } from '../support/manual-clock.ts';
import { RecordLog } from '../support/record-log.ts';
import { TemporaryFolder } from '../support/temporary-folder.ts';

let folder: TemporaryFolder;
let clock: ManualClock;
let log: RecordLog;
let end: AbortController;

beforeEach(async () => {
  folder = await TemporaryFolder.create();
  clock = new ManualClock();
  log = new RecordLog();
  end = new AbortController();
  for (const name of ['cert', 'key', 'ca']) await writeFile(join(folder.path, name), 'first');
});

afterEach(async () => {
  end.abort();
  await folder[Symbol.asyncDispose]();
});

const pathOf = (name: string) => join(folder.path, name);
const files = () => ({ cert: pathOf('cert'), key: pathOf('key'), ca: pathOf('ca') });

async function open(): Promise<TlsSource> {
  const source = await TlsSource.open(files(), clock, log);
  void source.run(end.signal);
  return source;
}

describe('the TLS files of the operator', () => {
  test('are taken up again when one was replaced, and only then', async () => {
    const source = await open();
    const { revision } = source.current;
    await clock.pass(30_000);
    expect(source.current.revision).toBe(revision);
    expect(log.lines).toEqual([]);
    await writeFile(pathOf('cert'), 'second one');
    await clock.pass(10_000);
    expect(source.current.revision).not.toBe(revision);
    expect(source.current.cert.toString()).toBe('second one');
    expect(log.lines).toEqual(['info TLS files were replaced']);
  });

  test('stay in use as they were while one is missing', async () => {
    const source = await open();
    await unlink(pathOf('key'));
    await clock.pass(10_000);
    expect(log.lines).toEqual(['warn TLS files cannot be read']);
    expect(source.current.key.toString()).toBe('first');
  });

  test('are needed at the start', async () => {
    await unlink(pathOf('ca'));
    await expect(open()).rejects.toMatchObject({ code: 'ENOENT' });
  });
});
