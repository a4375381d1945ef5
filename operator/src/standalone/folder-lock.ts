import { mkdir, readFile, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { lock } from 'proper-lockfile';
import type { Clock, Log } from '../reconcile/ports.ts';
import { describeError } from '../telemetry/log.ts';
import { replaceFile } from './durable-file.ts';
import { type Holder, holder, isDead, thisHolder } from './holder.ts';

export interface FolderLockTimes {
  /** A lock that was not refreshed for this long is taken over, milliseconds. */
  readonly staleMs: number;
  readonly refreshMs: number;
  /** Between two attempts to get it. */
  readonly retryMs: number;
}

const TIMES: FolderLockTimes = { staleMs: 10_000, refreshMs: 2_000, retryMs: 500 };

/** Another operator has the folder now. */
export class FolderLockLostError extends Error {
  override readonly name = 'FolderLockLostError';
  readonly code = 'FenceConflict';
}

export interface FolderLockOptions {
  /** Folder of the records; made if it is missing. */
  readonly directory: string;
  readonly instance: string;
  readonly clock: Clock;
  readonly log: Log;
  /** Called once, when the lock turns out to be lost. */
  readonly onLost: (error: unknown) => void;
  readonly times?: FolderLockTimes;
}

/**
 * One operator at a time works on a folder: what the Lease is to a cluster. A process that was stopped for longer than the
 * lock lives may wake up while another one works, so every write asks again; and behind that stands the fence.
 */
export class FolderLock {
  readonly #holderFile: string;
  readonly #instance: string;
  readonly #unlock: () => Promise<void>;

  private constructor(holderFile: string, instance: string, unlock: () => Promise<void>) {
    this.#holderFile = holderFile;
    this.#instance = instance;
    this.#unlock = unlock;
  }

  /** Waits until the folder is free; null when aborted before. */
  static async acquire(options: FolderLockOptions, signal: AbortSignal): Promise<FolderLock | null> {
    const { directory, instance, clock, log, times = TIMES } = options;
    await mkdir(directory, { recursive: true });
    const holderFile = join(directory, 'operator.holder');
    const lockPath = join(directory, 'operator.lock');
    for (let told = false; !signal.aborted;) {
      const unlock = await tryLock(options, lockPath);
      if (unlock !== null) {
        await replaceFile(holderFile, `${JSON.stringify(await thisHolder(instance))}\n`, nothing);
        return new FolderLock(holderFile, instance, unlock);
      }
      const other = await readHolder(holderFile);
      if (other !== null && (await isDead(other))) {
        log.info({ holder: other.instance }, 'the operator that held the folder is gone');
        await rmdir(lockPath).catch(() => undefined);
        continue;
      }
      if (!told)
        log.info({ directory, holder: other?.instance }, 'another operator holds the folder, waiting');
      told = true;
      await clock.sleep(times.retryMs, signal);
    }
    return null;
  }

  /** @throws FolderLockLostError when another operator has taken the folder. */
  async assertHeld(): Promise<void> {
    const now = await readHolder(this.#holderFile);
    if (now?.instance !== this.#instance) {
      throw new FolderLockLostError(
        `the folder is held by ${now?.instance ?? 'nobody known'}, not by this operator`,
      );
    }
  }

  /** Lets the next operator in. */
  async release(): Promise<void> {
    await this.#unlock().catch(() => undefined);
  }
}

async function tryLock(
  options: FolderLockOptions,
  lockfilePath: string,
): Promise<(() => Promise<void>) | null> {
  const { directory, log, onLost, times = TIMES } = options;
  try {
    return await lock(directory, {
      lockfilePath,
      realpath: false,
      stale: times.staleMs,
      update: times.refreshMs,
      onCompromised: (error) => {
        log.error({ cause: describeError(error) }, 'lost the lock of the folder');
        onLost(error);
      },
    });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ELOCKED') return null;
    throw error;
  }
}

async function readHolder(path: string): Promise<Holder | null> {
  try {
    const parsed = holder.safeParse(JSON.parse(await readFile(path, 'utf8')));
    return parsed.success ? parsed.data : null;
  } catch {
    return null;
  }
}

async function nothing(): Promise<void> {}
