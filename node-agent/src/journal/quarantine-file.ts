import { join } from 'node:path';
import { z } from 'zod';
import type {
  QuarantineEntry,
  QuarantineList,
  QuarantineStore,
  StoredQuarantine,
} from '../session/quarantine.ts';
import { decodeChecked, encodeChecked } from './checksummed.ts';
import type { FileSystem } from './file-system.ts';

const FORMAT = 'transship.dev/quarantine/v1';
const NAME = 'quarantine.json';
const TEMPORARY = `${NAME}.tmp`;
const REFUSED_FOLDER = 'refused';

const entry = z.object({
  deviceId: z.string().min(1).max(317),
  since: z.iso.datetime(),
  migrationUid: z.string().max(128),
  code: z.string().regex(/^[A-Z][A-Za-z0-9]{0,63}$/),
  message: z.string().max(4096),
  remedy: z.string().max(1024),
});

const contents = z.object({
  format: z.literal(FORMAT),
  devices: z.array(entry).max(4096),
  refusedJournals: z.array(z.string().max(128)).max(4096),
  failedResets: z.array(z.string().max(512)).max(8192),
});

/**
 * The list of withheld devices in the state directory. A write is a new file, synced, renamed over the old one, and the
 * directory synced: after it returned a crash cannot undo it, before that the old list stands.
 */
export class QuarantineFile implements QuarantineStore {
  readonly #files: FileSystem;
  readonly #directory: string;

  constructor(files: FileSystem, directory: string) {
    this.#files = files;
    this.#directory = directory;
  }

  /** One that cannot be read stays in place until the next write, and a copy of it for good. */
  async load(): Promise<StoredQuarantine> {
    await this.#files.ensureDirectory(this.#directory);
    const names = await this.#files.list(this.#directory);
    if (!names.includes(NAME)) return { kind: 'none' };
    const bytes = await this.#files.read(join(this.#directory, NAME));
    const checked = decodeChecked(bytes);
    if (!checked.ok) return this.#setAside(bytes, checked.why);
    const parsed = contents.safeParse(checked.value);
    if (!parsed.success) return this.#setAside(bytes, z.prettifyError(parsed.error));
    const { devices, refusedJournals, failedResets } = parsed.data;
    const entries = devices.map(({ since, migrationUid, ...rest }): QuarantineEntry => ({
      ...rest,
      since: new Date(since),
      uid: migrationUid,
    }));
    return { kind: 'list', entries, refusedJournals, failedResets };
  }

  /** Durable when it returns. Writes must not overlap. */
  async write({ entries, ...counted }: QuarantineList): Promise<void> {
    const devices = entries.map(({ since, uid, message, ...rest }) => ({
      ...rest,
      since: since.toISOString(),
      migrationUid: uid,
      message: message.slice(0, 4096),
    }));
    const temporary = join(this.#directory, TEMPORARY);
    await this.#files.writeDurably(temporary, encodeChecked({ format: FORMAT, devices, ...counted }));
    await this.#files.rename(temporary, join(this.#directory, NAME));
    await this.#files.syncDirectory(this.#directory);
  }

  async #setAside(bytes: Buffer, why: string): Promise<StoredQuarantine> {
    const folder = join(this.#directory, REFUSED_FOLDER);
    await this.#files.ensureDirectory(folder);
    const path = join(folder, NAME);
    await this.#files.writeDurably(path, bytes);
    await this.#files.syncDirectory(folder);
    return { kind: 'unreadable', path, why };
  }
}
