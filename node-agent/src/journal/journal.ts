import { join } from 'node:path';
import { bindsDevices } from '../core/phase.ts';
import type { Session } from '../core/session.ts';
import type { FileSystem } from './file-system.ts';
import { decodeRecord, encodeRecord } from './record.ts';
import type { Decoded, JournalRecord } from './record.ts';
import { migrationUid } from './session-schema.ts';

/** A file that cannot be used. It is kept, and its migration is refused until a person has looked at it. */
export interface RefusedFile {
  readonly uid: string;
  /** Where it is kept once it is set aside. */
  readonly path: string;
  /** Where it was found: at `path` when it was set aside before. */
  readonly foundAt: string;
  readonly why: string;
  /** The devices that it holds or that its session could not reset; null when it does not even tell that. */
  readonly devices: readonly string[] | null;
}

export interface LoadedJournal {
  readonly records: readonly JournalRecord[];
  readonly refused: readonly RefusedFile[];
}

/** A write that failed before it could change anything: the record before it stands. */
export class RecordUnchanged extends Error {
  override readonly name = 'RecordUnchanged';
}

const SUFFIX = '.session';
const TEMPORARY = '.tmp';
const REFUSED_FOLDER = 'refused';

/**
 * The sessions of this agent on disk, one file a migration UID in `directory`. A write is a new file, synced,
 * renamed over the old one, and the directory synced: after `write` returned a crash cannot undo it, before
 * that the old record stands.
 */
export class Journal {
  readonly #files: FileSystem;
  readonly #directory: string;
  readonly #wallNow: () => Date;
  readonly #writtenAt = new Map<string, Date>();

  constructor(files: FileSystem, directory: string, wallNow: () => Date) {
    this.#files = files;
    this.#directory = directory;
    this.#wallNow = wallNow;
  }

  /**
   * Reads every record. Torn or foreign files stay where they are until setAside(); earlier ones in the folder `refused`
   * still count. What is not named like a record of ours, or is no file, is passed over.
   */
  async load(): Promise<LoadedJournal> {
    await this.#files.ensureDirectory(this.#refusedFolder);
    const records: JournalRecord[] = [];
    const refused: RefusedFile[] = await this.#refusedEarlier();
    for (const name of (await this.#files.list(this.#directory)).toSorted()) {
      const path = join(this.#directory, name);
      // A write that a crash cut short: nobody was told that it happened.
      if (name.endsWith(SUFFIX + TEMPORARY)) await this.#files.remove(path);
      const uid = uidIn(name);
      const decoded = uid === null ? null : await this.#read(path);
      if (uid === null || decoded === null) continue;
      if (decoded.ok && decoded.record.session.uid === uid) {
        records.push(decoded.record);
        this.#writtenAt.set(uid, decoded.record.writtenAt);
      } else
        refused.push({ uid, path: join(this.#refusedFolder, name), foundAt: path, ...reasonOf(decoded) });
    }
    return { records, refused };
  }

  /** Moves files that load() refused to the folder `refused`; durable when it returns. */
  async setAside(refused: readonly RefusedFile[]): Promise<void> {
    const found = refused.filter(({ path, foundAt }) => path !== foundAt);
    if (found.length === 0) return;
    for (const { path, foundAt } of found) await this.#files.rename(foundAt, path);
    await this.#files.syncDirectory(this.#refusedFolder);
    await this.#files.syncDirectory(this.#directory);
  }

  /**
   * Durable when it returns. Writes of one UID must not overlap. Rejects with RecordUnchanged when the old record stands,
   * as on a full disk; after any other error either record may be the one that a crash leaves.
   */
  async write(session: Session): Promise<void> {
    const path = this.#pathOf(session.uid);
    const temporary = path + TEMPORARY;
    const writtenAt = this.#wallNow();
    try {
      await this.#files.writeDurably(temporary, encodeRecord({ writtenAt, session }));
      await this.#files.rename(temporary, path);
    } catch (error) {
      throw new RecordUnchanged((error as Error).message, { cause: error });
    }
    await this.#files.syncDirectory(this.#directory);
    this.#writtenAt.set(session.uid, writtenAt);
  }

  /** When the record of a migration was last written; null when there is none. */
  writtenAt(uid: string): Date | null {
    return this.#writtenAt.get(uid) ?? null;
  }

  async remove(uid: string): Promise<void> {
    await this.#files.remove(this.#pathOf(uid));
    await this.#files.syncDirectory(this.#directory);
    this.#writtenAt.delete(uid);
  }

  async #refusedEarlier(): Promise<RefusedFile[]> {
    const why = 'it was refused when the agent started before';
    const refused: RefusedFile[] = [];
    for (const name of (await this.#files.list(this.#refusedFolder)).toSorted()) {
      const path = join(this.#refusedFolder, name);
      const uid = uidIn(name);
      const decoded = uid === null ? null : await this.#read(path);
      if (uid === null || decoded === null) continue;
      refused.push({ uid, path, foundAt: path, why, devices: reasonOf(decoded).devices });
    }
    return refused;
  }

  /** null when it is a directory. */
  async #read(path: string): Promise<Decoded | null> {
    try {
      return decodeRecord(await this.#files.read(path));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EISDIR') return null;
      throw error;
    }
  }

  get #refusedFolder(): string {
    return join(this.#directory, REFUSED_FOLDER);
  }

  #pathOf(uid: string): string {
    return join(this.#directory, uid + SUFFIX);
  }
}

/** The migration whose file has this name; null when it is no file of ours. */
function uidIn(name: string): string | null {
  if (!name.endsWith(SUFFIX)) return null;
  return migrationUid.safeParse(name.slice(0, -SUFFIX.length)).data ?? null;
}

/** What is wrong with a record that is not used, be it that it stands in the wrong place. */
function reasonOf(decoded: Decoded): Pick<RefusedFile, 'why' | 'devices'> {
  if (!decoded.ok) return { why: decoded.why, devices: decoded.devices };
  const { devices, phase } = decoded.record.session;
  const held = devices.filter(({ quarantined }) => quarantined || bindsDevices(phase));
  return { why: 'it is of another migration', devices: held.map(({ id }) => id) };
}
