import { randomUUID } from 'node:crypto';
import { watch } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import { API_VERSION, DEVICE_MIGRATION_KIND, deviceMigrationStatus, rules } from '@transship/crds';
import type { Clock, Log, MigrationFeed, MigrationKey } from '../reconcile/ports.ts';
import { describeError } from '../telemetry/log.ts';
import type { ManifestDocument } from './manifest.ts';
import type { FolderView, ManifestFolder } from './manifest-folder.ts';
import type { MigrationRecord } from './record.ts';
import type { RecordFiles } from './record-files.ts';

export interface FolderFeedOptions {
  readonly directory: string;
  readonly folder: ManifestFolder;
  readonly files: RecordFiles;
  readonly clock: Clock;
  readonly log: Log;
  /** The folder is looked at this often even when nothing tells of a change, milliseconds. */
  readonly pollMs: number;
  readonly settleMs: number;
}

/** Between two looks at the folder, however often something is written to it. */
const MIN_PAUSE_MS = 20;

/**
 * Makes records of manifests, as an API server makes objects of what is applied: a new key gets a UID once and for all, a
 * key that has gone is marked for deletion, and a manifest that changes afterwards changes nothing, since spec is immutable.
 */
export class FolderMigrationFeed implements MigrationFeed {
  readonly #options: FolderFeedOptions;
  /** What was last said about a manifest or a record, so that every scan does not say it again. */
  readonly #reported = new Map<string, string>();
  #synced = false;

  constructor(options: FolderFeedOptions) {
    this.#options = options;
  }

  /** The folder was read at least once. */
  get synced(): boolean {
    return this.#synced;
  }

  /** Resolves once aborted; never rejects. */
  async run(onChange: (key: MigrationKey) => void, signal: AbortSignal): Promise<void> {
    const { files, clock, log, directory, pollMs, settleMs } = this.#options;
    let started = false;
    let woken = new AbortController();
    using _watcher = watchFolder(directory, () => woken.abort());
    while (!signal.aborted) {
      woken = new AbortController();
      let pauseMs = pollMs;
      try {
        if (!started) for (const key of await files.list()) onChange(key);
        started = true;
        const view = await this.#options.folder.scan();
        for (const key of await this.#apply(view)) onChange(key);
        if (view.unsettled.size > 0) pauseMs = settleMs;
        else this.#synced = true;
      } catch (error) {
        log.error({ directory, cause: describeError(error) }, 'manifests cannot be read');
      }
      await clock.sleep(pauseMs, AbortSignal.any([signal, woken.signal]));
      await clock.sleep(MIN_PAUSE_MS, signal);
    }
  }

  /** Brings the records in line with the manifests; returns the keys whose records changed. */
  async #apply(view: FolderView): Promise<MigrationKey[]> {
    const { files } = this.#options;
    const changed: MigrationKey[] = [];
    const seen = new Set<string>();
    for (const { fileName, revision, documents } of view.files) {
      for (const document of documents) {
        const name = keyName(document.key);
        if (seen.has(name))
          this.#passOver(fileName, revision, document.key, 'another manifest has the same name');
        else if (await this.#accept(fileName, revision, document)) changed.push(document.key);
        seen.add(name);
      }
    }
    const unread = new Set(view.unsettled);
    for (const { fileName, documents } of view.files) {
      if (documents.some(({ named }) => !named)) unread.add(fileName);
    }
    for (const key of await files.list()) {
      if (!seen.has(keyName(key)) && (await this.#markDeleted(key, unread))) changed.push(key);
    }
    return changed;
  }

  /** True when the document made a record. */
  #accept(fileName: string, revision: string, document: ManifestDocument): Promise<boolean> {
    const { files } = this.#options;
    const { key } = document;
    return files.exclusively(key, async () => {
      try {
        const found = await files.read(key);
        if (found === null) {
          await files.write(this.#newRecord(fileName, document));
          return true;
        }
        if (found.manifest !== fileName) await files.write({ ...found, manifest: fileName });
        if (differs(found, document)) this.#passOver(fileName, revision, key, rules.specImmutable);
      } catch (error) {
        this.#complain(key, error);
      }
      return false;
    });
  }

  /** True when the record was marked or removed. A file that cannot be read may still hold the key. */
  #markDeleted(key: MigrationKey, unread: ReadonlySet<string>): Promise<boolean> {
    const { files, clock } = this.#options;
    return files.exclusively(key, async () => {
      try {
        const found = await files.read(key);
        if (found === null || found.metadata.deletionTimestamp !== undefined) return false;
        if (unread.has(found.manifest)) return false;
        if (found.metadata.finalizers.length === 0) await files.remove(key);
        else {
          const metadata = { ...found.metadata, deletionTimestamp: clock.wallNow().toISOString() };
          await files.write({ ...found, metadata });
        }
        return true;
      } catch (error) {
        this.#complain(key, error);
        return false;
      }
    });
  }

  #newRecord(manifest: string, { key, parsed }: ManifestDocument): MigrationRecord {
    const metadata = {
      ...key,
      uid: randomUUID(),
      generation: 1,
      creationTimestamp: this.#options.clock.wallNow().toISOString(),
      finalizers: [],
    };
    const outside = { apiVersion: API_VERSION, kind: DEVICE_MIGRATION_KIND, metadata, manifest } as const;
    const status = deviceMigrationStatus.parse({});
    if (parsed.ok) return { ...outside, spec: parsed.value.spec, status };
    const { code, message, path } = parsed;
    return { ...outside, spec: null, refusal: { code, message, path }, status };
  }

  /** Once for each revision of a file. */
  #passOver(fileName: string, revision: string, key: MigrationKey, why: string): void {
    if (this.#isNews(`${fileName}\n${keyName(key)}`, revision)) {
      this.#options.log.warn({ ...key, manifest: fileName, why }, 'manifest is passed over');
    }
  }

  #complain(key: MigrationKey, error: unknown): void {
    const cause = describeError(error);
    if (this.#isNews(keyName(key), cause.message)) {
      this.#options.log.error({ ...key, cause }, 'record cannot be read or written');
    }
  }

  #isNews(about: string, what: string): boolean {
    const isNews = this.#reported.get(about) !== what;
    this.#reported.set(about, what);
    return isNews;
  }
}

function differs(found: MigrationRecord, { parsed }: ManifestDocument): boolean {
  if (!parsed.ok) return found.refusal?.message !== parsed.message;
  return !isDeepStrictEqual(found.spec, parsed.value.spec);
}

function keyName({ namespace, name }: MigrationKey): string {
  return `${namespace}/${name}`;
}

/** Hints only: where they do not work (network file systems), polling is what finds a change. */
function watchFolder(directory: string, onEvent: () => void): Disposable {
  try {
    const watcher = watch(directory, { persistent: false }, onEvent);
    watcher.on('error', () => watcher.close());
    return { [Symbol.dispose]: () => watcher.close() };
  } catch {
    return { [Symbol.dispose]: () => undefined };
  }
}
