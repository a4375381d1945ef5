import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../reconcile/ports.ts';
import { type ManifestDocument, readManifest, refuseFile } from './manifest.ts';

/** A manifest of sixteen device ids takes a few kilobytes. */
const MAX_BYTES = 1024 * 1024;

/** One manifest file as it has been for a while. */
export interface SettledFile {
  readonly fileName: string;
  /** Differs whenever the file was written or replaced. */
  readonly revision: string;
  readonly documents: readonly ManifestDocument[];
}

export interface FolderView {
  readonly files: readonly SettledFile[];
  /** Files that appeared, changed or vanished a moment ago: look again soon, and conclude nothing from them. */
  readonly unsettled: ReadonlySet<string>;
}

interface Tracked {
  readonly revision: string | null;
  readonly since: number;
  readonly settled: SettledFile | null;
}

/**
 * The manifests of a folder. A file counts once it has been unchanged for `settleMs`: a manifest read while an editor or
 * `cp` was half way through could name half the devices of a set; and a file that is gone for a moment, while an editor
 * replaces it, is no deletion.
 */
export class ManifestFolder {
  readonly #directory: string;
  readonly #clock: Clock;
  readonly #settleMs: number;
  readonly #tracked = new Map<string, Tracked>();

  constructor(directory: string, clock: Clock, settleMs: number) {
    this.#directory = directory;
    this.#clock = clock;
    this.#settleMs = settleMs;
  }

  /** @throws when the folder cannot be listed. */
  async scan(): Promise<FolderView> {
    const names = (await readdir(this.#directory)).filter((name) => /^[^.].*\.ya?ml$/.test(name));
    const files: SettledFile[] = [];
    const unsettled = new Set<string>();
    for (const fileName of new Set([...names, ...this.#tracked.keys()].toSorted())) {
      const tracked = await this.#look(fileName);
      this.#tracked.set(fileName, tracked);
      if (tracked.settled !== null) files.push(tracked.settled);
      else if (!this.#isOld(tracked)) unsettled.add(fileName);
      else if (tracked.revision === null) this.#tracked.delete(fileName);
    }
    return { files, unsettled };
  }

  async #look(fileName: string): Promise<Tracked> {
    const revision = await revisionOf(join(this.#directory, fileName));
    const before = this.#tracked.get(fileName);
    if (before?.revision !== revision) return { revision, since: this.#clock.now(), settled: null };
    if (before.settled !== null || revision === null || !this.#isOld(before)) return before;
    const documents = await readDocuments(this.#directory, fileName);
    // Changed while it was being read: what was read may be a mixture.
    if ((await revisionOf(join(this.#directory, fileName))) !== revision) {
      return { revision, since: this.#clock.now(), settled: null };
    }
    return { ...before, settled: { fileName, revision, documents } };
  }

  #isOld({ since }: Tracked): boolean {
    return this.#clock.now() - since >= this.#settleMs;
  }
}

async function revisionOf(path: string): Promise<string | null> {
  try {
    const { ino, size, mtimeNs, ctimeNs } = await stat(path, { bigint: true });
    return [ino, size, mtimeNs, ctimeNs].join('/');
  } catch {
    return null;
  }
}

async function readDocuments(directory: string, fileName: string): Promise<readonly ManifestDocument[]> {
  const path = join(directory, fileName);
  try {
    const { size } = await stat(path);
    if (size > MAX_BYTES) return [refuseFile(fileName, `${fileName} is longer than ${MAX_BYTES} bytes`)];
    return readManifest(fileName, await readFile(path, 'utf8'));
  } catch (error) {
    return [
      refuseFile(
        fileName,
        `${fileName} cannot be read: ${(error as NodeJS.ErrnoException).code ?? 'unknown'}`,
      ),
    ];
  }
}
