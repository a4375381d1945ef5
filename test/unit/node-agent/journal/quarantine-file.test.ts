import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { encodeChecked } from '@transship/node-agent/internal/journal/checksummed';
import { nodeFileSystem } from '@transship/node-agent/internal/journal/file-system';
import { QuarantineFile } from '@transship/node-agent/internal/journal/quarantine-file';
import { decodeRecord, encodeRecord } from '@transship/node-agent/internal/journal/record';
import { quarantineEntry } from '@transship/node-agent/internal/session/quarantine';
import { aBoundDevice, aSession } from '../support/sessions.ts';

let directory: string;
let path: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'ts-quarantine-'));
  path = join(directory, 'quarantine.json');
});

afterEach(async () => {
  await rm(directory, { recursive: true });
});

const ENTRIES = [
  quarantineEntry('a/0', new Date('2026-01-02T03:04:05.678Z'), 'uid-1', 'ResetFailed', 'EIO'),
  quarantineEntry('a/1', new Date('2026-01-02T03:04:06Z'), '', 'StateUnexplained', 'it was Stop'),
];

const LIST = { entries: ENTRIES, refusedJournals: ['uid-9'], failedResets: ['uid-1 a/0'] };

const file = () => new QuarantineFile(nodeFileSystem, directory);

const whole = () => ({ format: 'transship.dev/quarantine/v1', refusedJournals: [], failedResets: [] });

describe('the list of withheld devices on disk', () => {
  test('comes back as it was written', async () => {
    expect(await file().load()).toEqual({ kind: 'none' });
    await file().write(LIST);
    expect(await file().load()).toEqual({ kind: 'list', ...LIST });
  });

  test('can be read by people and programs: its first line is JSON', async () => {
    await file().write(LIST);
    const [line = ''] = (await readFile(path, 'utf8')).split('\n');
    expect(JSON.parse(line)).toMatchObject({
      devices: [{ deviceId: 'a/0', since: '2026-01-02T03:04:05.678Z', migrationUid: 'uid-1' }, {}],
    });
  });

  test('can be read back whatever is written', async () => {
    const long = 'x'.repeat(5_000);
    const many = (count: number) => Array.from({ length: count }, (_, index) => `uid-${index}`);
    const first = quarantineEntry('a/0', new Date(0), long, 'ResetFailed', long);
    const entries = [{ ...first, remedy: long }];
    await file().write({
      entries: [...entries, quarantineEntry(long, new Date(0), '', 'ResetFailed', '')],
      refusedJournals: [long, ...many(5_000)],
      failedResets: [long, ...many(9_000)],
    });
    const stored = await file().load();
    expect(stored).toMatchObject({ kind: 'list', entries: [{ deviceId: 'a/0' }, {}] });
    // The latest are those that count.
    expect(stored).toMatchObject({ refusedJournals: expect.arrayContaining(['uid-4999']) });
    expect(stored).toMatchObject({ failedResets: expect.arrayContaining(['uid-8999']) });
  });

  test('is never too large to be read back: messages are cut then', async () => {
    await file().write(LIST);
    const message = 'x'.repeat(4_096);
    const entries = Array.from({ length: 2_000 }, (_, index) =>
      quarantineEntry(`a/${index}`, new Date(0), '', 'JournalRefused', message),
    );
    await file().write({ ...LIST, entries });
    const stored = await file().load();
    expect(stored).toMatchObject({ kind: 'list' });
    expect(stored.kind === 'list' ? stored.entries.length : 0).toBe(2_000);
  });

  test('is replaced as a whole: a write that a crash cut short leaves the old one', async () => {
    await file().write(LIST);
    await writeFile(`${path}.tmp`, '{"format":"trans');
    expect(await file().load()).toMatchObject({ kind: 'list', entries: ENTRIES });
  });

  test.each([
    ['cut', (whole: Buffer) => whole.subarray(0, whole.length - 3)],
    [
      'with a bit flipped',
      (whole: Buffer) => Buffer.from(whole.map((byte, at) => (at === 50 ? byte ^ 1 : byte))),
    ],
    [
      'of another format',
      () => encodeChecked({ format: 'another/v9', devices: [], refusedJournals: [], failedResets: [] }),
    ],
    ['with a device without a name', () => encodeChecked({ ...whole(), devices: [{}] })],
  ])('is unreadable when it is %s, stays in place, and is kept', async (_name, alter) => {
    await file().write(LIST);
    const damaged = alter(await readFile(path));
    await writeFile(path, damaged);
    const kept = join(directory, 'refused', 'quarantine.json');
    expect(await file().load()).toMatchObject({ kind: 'unreadable', path: kept });
    expect(await readFile(kept)).toEqual(damaged);
    // A crash before the next write finds it again.
    expect(await file().load()).toMatchObject({ kind: 'unreadable' });
  });
});

describe('a journal record that cannot be used', () => {
  const session = aSession({ devices: [aBoundDevice('a/0'), aBoundDevice('a/1')] });
  const whole = encodeRecord({ writtenAt: new Date(0), session });

  test('names its devices when it is of another version', () => {
    const [line = ''] = whole.toString().split('\n');
    const record = JSON.parse(line) as { session: object };
    const other = encodeChecked({ ...record, session: { ...record.session, phase: 'Levitating' } });
    expect(decodeRecord(other)).toMatchObject({ ok: false, devices: ['a/0', 'a/1'] });
  });

  test('names none when it is damaged', () => {
    expect(decodeRecord(whole.subarray(0, whole.length - 1))).toMatchObject({ ok: false, devices: null });
  });
});
