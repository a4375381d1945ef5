import { join } from 'node:path';
import type { OperatorConfig } from '../config.ts';
import type { Door } from '../door.ts';
import type { Clock, Log } from '../reconcile/ports.ts';
import { FolderMigrationFeed } from './feed.ts';
import { FolderLock, FolderLockLostError } from './folder-lock.ts';
import { LogEventSink } from './log-events.ts';
import { ManifestFolder } from './manifest-folder.ts';
import { RecordFiles } from './record-files.ts';
import { FolderMigrationStore } from './store.ts';

type FolderOptions = Extract<OperatorConfig, { mode: 'standalone' }>;

/** Folder of the records within the folder of manifests. */
export const RECORDS = '.transship';
const POLL_MS = 1_000;
const SETTLE_MS = 300;

/** A folder of manifests and its records. */
export class FolderDoor implements Door {
  readonly store: FolderMigrationStore;
  readonly feed: FolderMigrationFeed;
  readonly events: LogEventSink;
  readonly endpoints = { endpoint: (): null => null };
  /** Nobody fences nodes here. */
  readonly nodes = { isOutOfService: (): Promise<boolean> => Promise.resolve(false) };
  readonly ready = {};
  readonly #files: RecordFiles;
  readonly #lockOptions: Omit<Parameters<typeof FolderLock.acquire>[0], 'onLost'>;
  readonly #lost = new AbortController();
  #lock: FolderLock | null = null;

  constructor({ manifests: directory }: FolderOptions, instance: string, clock: Clock, log: Log) {
    const records = join(directory, RECORDS);
    this.#lockOptions = { directory: records, instance, clock, log };
    this.#files = new RecordFiles(records, () => this.#assertHeld());
    this.store = new FolderMigrationStore(this.#files, clock);
    const folder = new ManifestFolder(directory, clock, SETTLE_MS);
    const times = { pollMs: POLL_MS, settleMs: SETTLE_MS };
    this.feed = new FolderMigrationFeed({ directory, folder, files: this.#files, clock, log, ...times });
    this.events = new LogEventSink(log);
  }

  get leading(): boolean {
    return this.#lock !== null && !this.#lost.signal.aborted;
  }

  async run(): Promise<void> {}

  /** @throws when the folder cannot be written to. */
  async enter(signal: AbortSignal): Promise<boolean> {
    const onLost = (error: unknown): void => this.#lost.abort(error);
    this.#lock = await FolderLock.acquire({ ...this.#lockOptions, onLost }, signal);
    if (this.#lock === null) return false;
    await this.#files.removeLeftovers();
    return true;
  }

  async hold(signal: AbortSignal): Promise<'lost' | 'released'> {
    const either = AbortSignal.any([signal, this.#lost.signal]);
    if (!either.aborted)
      await new Promise((resolve) => either.addEventListener('abort', resolve, { once: true }));
    if (this.#lost.signal.aborted) return 'lost';
    await this.#lock?.release();
    this.#lock = null;
    return 'released';
  }

  close(): void {}

  async #assertHeld(): Promise<void> {
    if (this.#lock === null) throw new FolderLockLostError('this operator does not hold the folder');
    await this.#lock.assertHeld();
  }
}
