import { join } from 'node:path';
import { z } from 'zod';
import type {
  QuarantineEntry,
  QuarantineList,
  QuarantineStore,
  StoredQuarantine,
} from '../session/quarantine.ts';
import { MAX_FILE_BYTES, decodeChecked, encodeChecked } from './checksummed.ts';
import type { FileSystem } from './file-system.ts';

const FORMAT = 'transship.dev/quarantine/v1';
const NAME = 'quarantine.json';
const TEMPORARY = `${NAME}.tmp`;
const REFUSED_FOLDER = 'refused';

/** What is read back; write() keeps to it, since a list that cannot be read withholds every device. */
const MAX = {
  deviceId: 317,
  uid: 128,
  message: 4096,
  remedy: 1024,
  /** More than any node has. */
  devices: 4096,
  refusedJournals: 4096,
  failedResets: 8192,
  failedReset: 512,
};

/** Of each message, when a list with whole ones would be too large a file. */
const SHORT_MESSAGE = 256;

const entry = z.object({
  deviceId: z.string().min(1).max(MAX.deviceId),
  since: z.iso.datetime(),
  migrationUid: z.string().max(MAX.uid),
  code: z.string().regex(/^[A-Z][A-Za-z0-9]{0,63}$/),
  message: z.string().max(MAX.message),
  remedy: z.string().max(MAX.remedy),
});

const contents = z.object({
  format: z.literal(FORMAT),
  devices: z.array(entry).max(MAX.devices),
  refusedJournals: z.array(z.string().max(MAX.uid)).max(MAX.refusedJournals),
  failedResets: z.array(z.string().max(MAX.failedReset)).max(MAX.failedResets),
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

  /** Durable when it returns. Writes must not overlap. What is longer than load() takes is cut. */
  async write(list: QuarantineList): Promise<void> {
    const whole = encode(list, MAX.message);
    const bytes = whole.length <= MAX_FILE_BYTES ? whole : encode(list, SHORT_MESSAGE);
    const temporary = join(this.#directory, TEMPORARY);
    await this.#files.writeDurably(temporary, bytes);
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

function encode({ entries, refusedJournals, failedResets }: QuarantineList, maxMessage: number): Buffer {
  const devices = entries.slice(0, MAX.devices).map(({ deviceId, since, uid, code, message, remedy }) => ({
    deviceId: deviceId.slice(0, MAX.deviceId),
    since: since.toISOString(),
    migrationUid: uid.slice(0, MAX.uid),
    code,
    message: message.slice(0, maxMessage),
    remedy: remedy.slice(0, MAX.remedy),
  }));
  return encodeChecked({
    format: FORMAT,
    devices,
    refusedJournals: refusedJournals.slice(-MAX.refusedJournals).map((uid) => uid.slice(0, MAX.uid)),
    failedResets: failedResets.slice(-MAX.failedResets).map((key) => key.slice(0, MAX.failedReset)),
  });
}
