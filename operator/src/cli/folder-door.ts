import { join } from 'node:path';
import type { Clock, Log } from '../reconcile/ports.ts';
import { RECORDS } from '../standalone/door.ts';
import { FolderLock, FolderLockLostError } from '../standalone/folder-lock.ts';
import { RecordFiles } from '../standalone/record-files.ts';
import { FolderMigrationStore } from '../standalone/store.ts';
import { type CliDoor, DoorClosedError } from './door.ts';

/** Longer than a lock without a holder is respected, milliseconds. */
const LOCK_WAIT_MS = 15_000;

/**
 * The records of a folder of manifests. One process at a time may write them, so the operator of the folder has to be
 * stopped before a person acts; to look, it need not be.
 */
export function openFolder(directory: string, instance: string, clock: Clock, log: Log): CliDoor {
  const records = join(directory, RECORDS);
  let lock: FolderLock | null = null;
  const files = new RecordFiles(records, async () => {
    if (lock === null) throw new FolderLockLostError('this program does not hold the folder');
    await lock.assertHeld();
  });
  const store = new FolderMigrationStore(files, clock);
  return {
    store,
    find: async (uid) => {
      for (const key of await files.list()) {
        const stored = await store.get(key);
        if (stored?.uid === uid) return stored;
      }
      return null;
    },
    nodes: () => [],
    endpoint: () => null,
    enter: async (signal) => {
      const deadline = AbortSignal.timeout(LOCK_WAIT_MS);
      const onLost = (): void => undefined;
      const options = { directory: records, instance, clock, log, onLost };
      lock = await FolderLock.acquire(options, AbortSignal.any([signal, deadline]));
      signal.throwIfAborted();
      if (lock !== null) return;
      throw new DoorClosedError(
        `an operator holds ${directory}; stop it, run this again, and start it again afterwards`,
      );
    },
    close: async () => {
      await lock?.release();
    },
  };
}
