import { readdir, readFile, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { MigrationKey } from '../reconcile/ports.ts';
import { removeFile, replaceFile, TEMPORARY_SUFFIX } from './durable-file.ts';
import { decodeRecord, encodeRecord, type MigrationRecord, RecordUnreadableError } from './record.ts';

const SUFFIX = '.json';

/** The record files of one folder: `<namespace>.<name>.json`. A namespace holds no point, so the first one separates. */
export class RecordFiles {
  readonly #directory: string;
  readonly #guard: () => Promise<void>;
  readonly #turns = new Map<string, Promise<unknown>>();

  /** @param guard rejects when this process may not write any more */
  constructor(directory: string, guard: () => Promise<void>) {
    this.#directory = directory;
    this.#guard = guard;
  }

  /**
   * null when there is no record.
   * @throws RecordUnreadableError
   */
  async read(key: MigrationKey): Promise<MigrationRecord | null> {
    const path = this.#path(key);
    let text: string;
    try {
      text = await readFile(path, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
      throw error;
    }
    const found = decodeRecord(path, text);
    const { namespace, name } = found.metadata;
    if (namespace === key.namespace && name === key.name) return found;
    throw new RecordUnreadableError(path, new Error(`it is the record of ${namespace}/${name}`));
  }

  /** Reads, lets `work` write, and lets nobody in this process come between. */
  exclusively<Result>(key: MigrationKey, work: () => Promise<Result>): Promise<Result> {
    const path = this.#path(key);
    const turn = (this.#turns.get(path) ?? Promise.resolve()).then(work, work);
    this.#turns.set(path, turn);
    const leave = (): void => {
      if (this.#turns.get(path) === turn) this.#turns.delete(path);
    };
    turn.then(leave, leave);
    return turn;
  }

  /** @throws as `replaceFile` */
  async write(record: MigrationRecord): Promise<void> {
    await replaceFile(this.#path(record.metadata), encodeRecord(record), this.#guard);
  }

  /** @throws as `removeFile` */
  async remove(key: MigrationKey): Promise<void> {
    await removeFile(this.#path(key), this.#guard);
  }

  /** Keys of all record files, readable or not. */
  async list(): Promise<MigrationKey[]> {
    const names = await readdir(this.#directory);
    return names
      .filter((name) => name.endsWith(SUFFIX))
      .flatMap((name) => keyOf(name.slice(0, -SUFFIX.length)));
  }

  /** Removes what a crash left half written. */
  async removeLeftovers(): Promise<void> {
    for (const name of await readdir(this.#directory)) {
      if (name.endsWith(TEMPORARY_SUFFIX)) await unlink(join(this.#directory, name)).catch(() => undefined);
    }
  }

  #path({ namespace, name }: MigrationKey): string {
    return join(this.#directory, `${namespace}.${name}${SUFFIX}`);
  }
}

function keyOf(stem: string): MigrationKey[] {
  const point = stem.indexOf('.');
  return point < 0 ? [] : [{ namespace: stem.slice(0, point), name: stem.slice(point + 1) }];
}
