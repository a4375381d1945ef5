import { describe, expect, test } from '@jest/globals';
import type { FileSystem } from '@transship/node-agent/internal/journal/file-system';
import { Journal } from '@transship/node-agent/internal/journal/journal';
import { Crash, FailingDisk } from '../support/failing-disk.ts';
import { aSession } from '../support/sessions.ts';

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

describe.each(['before', 'empty', 'torn', 'after'] as const)('power that fails %s', (when) => {
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
