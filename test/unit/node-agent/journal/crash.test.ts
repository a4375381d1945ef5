import { describe, expect, test } from '@jest/globals';
import type { FileSystem } from '@transship/node-agent/internal/journal/file-system';
import { Journal } from '@transship/node-agent/internal/journal/journal';
import { aSession } from '../support/sessions.ts';

class Crash extends Error {}

interface Disk {
  readonly files: Map<string, Buffer>;
  /** Renames that a crash may undo: what the name stood for before. */
  readonly volatile: Map<string, Buffer | undefined>;
}

/** A disk that loses power at its n-th call: before that, half-way (a torn file), or right after it. */
class FailingDisk implements FileSystem {
  readonly disk: Disk = { files: new Map(), volatile: new Map() };
  readonly #at: number;
  readonly #when: 'before' | 'torn' | 'after';
  calls = 0;

  constructor(at: number, when: 'before' | 'torn' | 'after') {
    this.#at = at;
    this.#when = when;
  }

  ensureDirectory(): Promise<void> {
    return Promise.resolve();
  }

  list(directory: string): Promise<string[]> {
    const inside = [...this.disk.files.keys()].filter((path) => path.startsWith(`${directory}/`));
    return Promise.resolve(
      inside.map((path) => path.slice(directory.length + 1)).filter((name) => !name.includes('/')),
    );
  }

  read(path: string): Promise<Buffer> {
    return Promise.resolve(this.disk.files.get(path) ?? Buffer.alloc(0));
  }

  async writeDurably(path: string, contents: Buffer): Promise<void> {
    await this.#call(
      () => this.disk.files.set(path, contents),
      () => this.disk.files.set(path, contents.subarray(0, contents.length >> 1)),
    );
  }

  async rename(from: string, to: string): Promise<void> {
    await this.#call(() => {
      const { files, volatile } = this.disk;
      volatile.set(to, files.get(to));
      files.set(to, files.get(from) ?? Buffer.alloc(0));
      files.delete(from);
    });
  }

  async remove(path: string): Promise<void> {
    await this.#call(() => this.disk.files.delete(path));
  }

  async syncDirectory(): Promise<void> {
    await this.#call(() => this.disk.volatile.clear());
  }

  /** What is found after the crash; `undone`: renames that were not synced did not reach the disk. */
  after(undone: boolean): FailingDisk {
    const found = new FailingDisk(Infinity, 'before');
    for (const [path, contents] of this.disk.files) found.disk.files.set(path, contents);
    if (undone) {
      for (const [path, before] of this.disk.volatile) {
        if (before === undefined) found.disk.files.delete(path);
        else found.disk.files.set(path, before);
      }
    }
    return found;
  }

  async #call(act: () => unknown, tear: () => unknown = () => undefined): Promise<void> {
    await Promise.resolve();
    this.calls += 1;
    if (this.calls < this.#at) {
      act();
      return;
    }
    if (this.calls === this.#at && this.#when === 'after') act();
    if (this.calls === this.#at && this.#when === 'torn') tear();
    throw new Crash('no power');
  }
}

const journalOn = (files: FileSystem): Journal => new Journal(files, '/state', () => new Date(0));
const sessionAt = (sequence: number) => aSession({ sequence });

/** Writes sequences 1, 2, 3 until the power fails; the last that was told to be durable. */
async function writeUntilCrash(disk: FailingDisk): Promise<number> {
  const journal = journalOn(disk);
  for (const sequence of [1, 2, 3]) {
    try {
      await journal.write(sessionAt(sequence));
    } catch {
      return sequence - 1;
    }
  }
  return 3;
}

/** Three calls a write. */
const CALLS = Array.from({ length: 9 }, (_, index) => index + 1);

describe.each(['before', 'torn', 'after'] as const)('power that fails %s', (when) => {
  test.each(CALLS)('call %i leaves the last durable record or the one under way, never less', async (at) => {
    for (const undone of [false, true]) {
      const disk = new FailingDisk(at, when);
      const durable = await writeUntilCrash(disk);
      const { records, refused } = await journalOn(disk.after(undone)).load();
      expect(refused).toEqual([]);
      const found = records[0]?.session.sequence ?? 0;
      expect({ at, undone, found }).toEqual({ at, undone, found: found === durable ? durable : durable + 1 });
    }
  });

  test.each(CALLS)('call %i is no hindrance for the next write', async (at) => {
    const disk = new FailingDisk(at, when);
    await writeUntilCrash(disk);
    const found = disk.after(true);
    const journal = journalOn(found);
    await journal.load();
    await journal.write(sessionAt(9));
    const { records } = await journalOn(found).load();
    expect(records.map(({ session }) => session.sequence)).toEqual([9]);
  });
});

test('a write that fails before it changes anything says so', async () => {
  for (const at of [1, 2]) {
    await expect(journalOn(new FailingDisk(at, 'before')).write(sessionAt(1))).rejects.toMatchObject({
      name: 'RecordUnchanged',
    });
  }
  await expect(journalOn(new FailingDisk(3, 'before')).write(sessionAt(1))).rejects.toBeInstanceOf(Crash);
});
