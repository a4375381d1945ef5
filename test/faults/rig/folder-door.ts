/** Operators on a folder of manifests. */
import { access, readFile, rename, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { DeviceMigrationManifest } from '@transship/crds';
import type { ManagedProcess } from '../../support/managed-process.ts';
import { startOperator } from '../../support/processes.ts';
import { endOf } from '../logs.ts';
import { operatorLogFile, type Door, type DoorOptions, type MigrationRecord } from './door.ts';

export class FolderDoor implements Door {
  readonly #options: DoorOptions;

  constructor(options: DoorOptions) {
    this.#options = options;
  }

  startOperator(number: number): Promise<ManagedProcess> {
    const { directory, tls, agents, env } = this.#options;
    return startOperator({
      manifests: this.#folder,
      logFile: operatorLogFile(directory, number),
      ...{ tls, agents, env },
    });
  }

  /** Whole from the first moment on. */
  async apply(manifest: DeviceMigrationManifest): Promise<void> {
    const file = this.#manifest(manifest.metadata.name);
    await writeFile(`${file}.part`, JSON.stringify(manifest, null, 2));
    await rename(`${file}.part`, file);
  }

  async remove(name: string): Promise<void> {
    await unlink(this.#manifest(name)).catch(() => undefined);
  }

  async isApplied(name: string): Promise<boolean> {
    return access(this.#manifest(name)).then(
      () => true,
      () => false,
    );
  }

  async record(name: string): Promise<MigrationRecord | null> {
    const path = join(this.#folder, '.transship', `default.${name}.json`);
    const text = await readFile(path, 'utf8').catch(() => null);
    return text === null ? null : (JSON.parse(text) as MigrationRecord);
  }

  /** The record is gone with its migration; the operator's log stays. */
  async endOf({ uid }: { readonly uid: string }, log: string): Promise<string | null> {
    return endOf(log, uid);
  }

  get #folder(): string {
    return join(this.#options.directory, 'manifests');
  }

  #manifest(name: string): string {
    return join(this.#folder, `${name}.yaml`);
  }
}
