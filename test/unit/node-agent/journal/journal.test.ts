import { describe, expect, test } from '@jest/globals';
import type { FileSystem } from '@transship/node-agent/internal/journal/file-system';
import { Journal } from '@transship/node-agent/internal/journal/journal';
import { decodeRecord, encodeRecord } from '@transship/node-agent/internal/journal/record';
import { expired } from '@transship/node-agent/internal/journal/retention';
import { aBoundDevice, aSession } from '../support/sessions.ts';

const at = new Date('2030-01-01T00:00:00.000Z');
const full = aSession({
  role: 'target',
  phase: 'Verified',
  devices: [aBoundDevice('b/0'), aBoundDevice('b/1')],
  pull: { endpoint: 'gpu-a:7443', node: 'gpu-a', ticket: 'secret', bandwidthLimit: 0 },
  error: { code: 'StreamCorrupt', message: 'a sentence', device: null },
  promised: [{ kind: 'device', deviceIndex: 1, bytes: 2 ** 40, segments: 9, crc32c: 0xffffffff }],
});

/** Files in memory that records every call; it can fail at one of them. */
class MemoryFiles implements FileSystem {
  readonly files = new Map<string, Buffer>();
  readonly calls: string[] = [];
  readonly directories = new Set<string>();
  readonly #failAt: string | null;

  private constructor(failAt: string | null) {
    this.#failAt = failAt;
  }

  static healthy(): MemoryFiles {
    return new MemoryFiles(null);
  }

  static failingAt(call: string): MemoryFiles {
    return new MemoryFiles(call);
  }

  async ensureDirectory(path: string): Promise<void> {
    await this.#call(`mkdir ${path}`);
  }

  async list(directory: string): Promise<string[]> {
    await this.#call(`list ${directory}`);
    const inside = [...this.files.keys(), ...this.directories].filter((path) =>
      path.startsWith(`${directory}/`),
    );
    return [...new Set(inside.map((path) => path.slice(directory.length + 1).split('/')[0] ?? ''))];
  }

  async read(path: string): Promise<Buffer> {
    await this.#call(`read ${path}`);
    if (this.directories.has(path)) {
      throw Object.assign(new Error('illegal operation on a directory'), { code: 'EISDIR' });
    }
    return this.files.get(path) ?? Buffer.alloc(0);
  }

  async writeDurably(path: string, contents: Buffer): Promise<void> {
    await this.#call(`write+fsync ${path}`);
    this.files.set(path, contents);
  }

  async rename(from: string, to: string): Promise<void> {
    await this.#call(`rename ${from} ${to}`);
    this.files.set(to, this.files.get(from) ?? Buffer.alloc(0));
    this.files.delete(from);
  }

  async remove(path: string): Promise<void> {
    await this.#call(`remove ${path}`);
    this.files.delete(path);
  }

  async syncDirectory(path: string): Promise<void> {
    await this.#call(`fsync ${path}`);
  }

  #call(call: string): Promise<void> {
    this.calls.push(call);
    return call.startsWith(this.#failAt ?? '\0')
      ? Promise.reject(new Error('no space left'))
      : Promise.resolve();
  }
}

const journalIn = (files: FileSystem): Journal => new Journal(files, '/state', () => at);

describe('a record', () => {
  test('is read as it was written', () => {
    expect(decodeRecord(encodeRecord({ writtenAt: at, session: full }))).toEqual({
      ok: true,
      record: { writtenAt: at, session: full },
    });
  });

  test('torn at any byte is refused', () => {
    const whole = encodeRecord({ writtenAt: at, session: full });
    for (let length = 0; length < whole.length; length += 1) {
      expect({ length, ok: decodeRecord(whole.subarray(0, length)).ok }).toEqual({ length, ok: false });
    }
  });

  test('with any flipped bit is refused', () => {
    const whole = encodeRecord({ writtenAt: at, session: full });
    for (let byte = 0; byte < whole.length; byte += 1) {
      const altered = Buffer.from(whole);
      altered[byte] = (altered[byte] ?? 0) ^ 0x10;
      expect({ byte, ok: decodeRecord(altered).ok }).toEqual({ byte, ok: false });
    }
  });

  test('of a later version is read without what that one added', () => {
    const devices = full.devices.map((device) => ({ ...device, later: true }));
    const value = { ...wrapped(full), later: 1, session: { ...full, devices, later: { all: 'new' } } };
    expect(decodeRecord(sealed(JSON.stringify(value)))).toEqual({
      ok: true,
      record: { writtenAt: at, session: full },
    });
  });

  test.each([
    ['another format', { format: 'somebody/v1', writtenAt: at.toISOString(), session: full }],
    ['a later format', { ...wrapped(full), format: 'transship.dev/agent-journal/v2' }],
    ['a missing field', { ...wrapped(full), session: { ...full, phase: undefined } }],
    ['an unknown phase', { ...wrapped(full), session: { ...full, phase: 'Elsewhere' } }],
    ['a uid that is a path', { ...wrapped(full), session: { ...full, uid: '../etc' } }],
  ])('with %s is refused although its checksum is right', (_name, value) => {
    expect(decodeRecord(sealed(JSON.stringify(value))).ok).toBe(false);
  });
});

function wrapped(session: typeof full): Record<string, unknown> {
  return { format: 'transship.dev/agent-journal/v1', writtenAt: at.toISOString(), session };
}

/** A file with a right checksum around any text, made by putting the text where a record has its own. */
function sealed(json: string): Buffer {
  const template = encodeRecord({ writtenAt: at, session: full }).toString('utf8');
  expect(template.split('\n')[1]).toMatch(/^crc32 [0-9a-f]{8}$/);
  return Buffer.from(`${json}\ncrc32 ${crc32Of(json)}\n`);
}

/** CRC-32 (IEEE, reflected 0xEDB88320) from the definition. */
function crc32Of(text: string): string {
  let crc = 0xffffffff;
  for (const byte of Buffer.from(text)) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc & 1) === 0 ? crc >>> 1 : (crc >>> 1) ^ 0xedb88320;
  }
  return (~crc >>> 0).toString(16).padStart(8, '0');
}

describe('the journal', () => {
  test('writes beside the old record, syncs, renames and syncs the directory, in this order', async () => {
    const files = MemoryFiles.healthy();
    await journalIn(files).write(full);
    expect(files.calls).toEqual([
      'write+fsync /state/uid-1.session.tmp',
      'rename /state/uid-1.session.tmp /state/uid-1.session',
      'fsync /state',
    ]);
  });

  test.each(['write+fsync', 'rename', 'fsync'])('a write that fails at %s is no write', async (call) => {
    await expect(journalIn(MemoryFiles.failingAt(call)).write(full)).rejects.toThrow('no space left');
  });

  test('loads what was written', async () => {
    const files = MemoryFiles.healthy();
    await journalIn(files).write(full);
    await journalIn(files).write(aSession({ uid: 'uid-2' }));
    const journal = journalIn(files);
    const { records, refused } = await journal.load();
    expect(records.map(({ session }) => session)).toEqual([full, aSession({ uid: 'uid-2' })]);
    expect(refused).toEqual([]);
    expect(journal.writtenAt('uid-2')).toEqual(at);
  });

  test('removes a write that a crash cut short, since nobody was told of it', async () => {
    const files = MemoryFiles.healthy();
    await journalIn(files).write(full);
    files.files.set('/state/uid-1.session.tmp', Buffer.from('{"format":"tran'));
    const { records } = await journalIn(files).load();
    expect(records).toHaveLength(1);
    expect([...files.files.keys()]).toEqual(['/state/uid-1.session']);
  });

  test.each([
    ['torn', (whole: Buffer) => whole.subarray(0, 40), 'uid-1'],
    ['foreign', () => Buffer.from('not ours'), 'uid-1'],
    ['of another migration', (whole: Buffer) => whole, 'uid-9'],
  ])('sets a %s file aside, keeps it and remembers it at every start', async (_name, alter, uid) => {
    const files = MemoryFiles.healthy();
    const contents = alter(encodeRecord({ writtenAt: at, session: full }));
    files.files.set(`/state/${uid}.session`, contents);
    const journal = journalIn(files);
    const first = await journal.load();
    await journal.setAside(first.refused);
    expect(first).toMatchObject({ records: [], refused: [{ uid, path: `/state/refused/${uid}.session` }] });
    expect(files.files.get(`/state/refused/${uid}.session`)).toEqual(contents);
    const second = await journalIn(files).load();
    expect(second).toMatchObject({ records: [], refused: [{ uid }] });
  });

  test('leaves a file in place until it is told to set it aside', async () => {
    const files = MemoryFiles.healthy();
    files.files.set('/state/uid-1.session', Buffer.from('torn'));
    const journal = journalIn(files);
    const { refused } = await journal.load();
    expect(refused).toMatchObject([
      { foundAt: '/state/uid-1.session', path: '/state/refused/uid-1.session' },
    ]);
    expect([...files.files.keys()]).toEqual(['/state/uid-1.session']);
    await journal.setAside(refused);
    expect([...files.files.keys()]).toEqual(['/state/refused/uid-1.session']);
  });

  test.each(['/state', '/state/refused'])('passes over in %s what is no file of ours', async (folder) => {
    const files = MemoryFiles.healthy();
    files.files.set(`${folder}/a copy of uid-1.session`, Buffer.from('torn'));
    files.files.set(`${folder}/${'u'.repeat(100)}.session`, Buffer.from('torn'));
    files.directories.add(`${folder}/uid-2.session`);
    expect(await journalIn(files).load()).toEqual({ records: [], refused: [] });
  });

  test.each([
    ['that is over', { phase: 'RolledBack' }, []],
    ['that holds them', { phase: 'Stopped' }, ['a/0', 'a/1']],
    ['that could not reset one', { phase: 'Discarded', role: 'target' }, ['a/1']],
  ] as const)('names of a refused session %s what it holds', async (_name, change, named) => {
    const files = MemoryFiles.healthy();
    const isReset = change.phase !== 'Discarded';
    const devices = [aBoundDevice('a/0'), { ...aBoundDevice('a/1'), quarantined: !isReset }];
    const session = aSession({ ...change, devices });
    files.files.set('/state/refused/uid-1.session', encodeRecord({ writtenAt: at, session }));
    const { refused } = await journalIn(files).load();
    expect(refused).toMatchObject([{ uid: 'uid-1', devices: named }]);
  });
});

describe('ended sessions', () => {
  const day = 24 * 60 * 60_000;
  const retention = {
    ended: { keepMs: 7 * day, keepCount: 2 },
    active: { keepMs: 365 * day, keepCount: 3 },
  };
  const ended = (uid: string, ageDays: number, change = {}) => ({
    writtenAt: new Date(at.getTime() - ageDays * day),
    session: aSession({ uid, phase: 'RolledBack', ...change }),
  });

  test('go after their time', () => {
    expect(expired([ended('young', 6), ended('old', 8)], at, retention)).toEqual(['old']);
  });

  test('go when they are too many, the oldest first', () => {
    expect(expired([ended('c', 3), ended('a', 1), ended('b', 2)], at, retention)).toEqual(['c']);
  });

  test('that run at their target are kept for a year, whatever else has ended since', () => {
    const active = { role: 'target', phase: 'Active' } as const;
    const others = [ended('b', 2), ended('a', 1)];
    expect(expired([ended('runs', 364, active), ...others], at, retention)).toEqual([]);
    expect(expired([ended('ran', 366, active), ...others], at, retention)).toEqual(['ran']);
  });

  test('that run go by a number of their own', () => {
    const active = { role: 'target', phase: 'Active' } as const;
    const run = [4, 1, 3, 2].map((age) => ended(`ran ${age}`, age, active));
    expect(expired([...run, ended('other', 5)], at, retention)).toEqual(['ran 4']);
  });

  test('stay while they bind a device', () => {
    const quarantined = { devices: [{ ...aBoundDevice('a/0'), quarantined: true }] };
    const records = [ended('withheld', 90, quarantined), ended('bound', 90, { phase: 'Stopped' })];
    expect(expired(records, at, retention)).toEqual(['withheld']);
  });
});
