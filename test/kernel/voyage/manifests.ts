import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { DeviceMigrationManifest, DeviceMigrationStatus } from '@transship/crds';
import { isTerminal } from '@transship/crds';
import { eventually } from '../../support/managed-process.ts';

const PATIENCE_MS = 300_000;

/** What the operator writes beside a manifest. */
export interface MigrationRecord {
  readonly metadata: { readonly uid: string };
  readonly status: DeviceMigrationStatus;
}

/** A folder of manifests that an operator process works on, as its user has it. */
export class Manifests {
  readonly folder: string;

  constructor(folder: string) {
    this.folder = folder;
  }

  /** Puts a manifest into the folder, whole from the first moment on. */
  async apply(name: string, spec: DeviceMigrationManifest['spec']): Promise<void> {
    const metadata = { name, namespace: 'default' };
    const manifest = { apiVersion: 'transship.dev/v1alpha1', kind: 'DeviceMigration', metadata, spec };
    const file = join(this.folder, `${name}.yaml`);
    await writeFile(`${file}.part`, JSON.stringify(manifest, null, 2));
    await rename(`${file}.part`, file);
  }

  /** null: the operator has not written one yet. */
  async record(name: string): Promise<MigrationRecord | null> {
    const path = join(this.folder, '.transship', `default.${name}.json`);
    const text = await readFile(path, 'utf8').catch(() => null);
    return text === null ? null : (JSON.parse(text) as MigrationRecord);
  }

  async status(name: string): Promise<DeviceMigrationStatus | null> {
    return (await this.record(name))?.status ?? null;
  }

  /** @throws with the last status when the deadline passes or it ends before. */
  async until(
    name: string,
    what: string,
    satisfies: (status: DeviceMigrationStatus) => boolean,
  ): Promise<DeviceMigrationStatus> {
    let last: DeviceMigrationStatus | null = null;
    try {
      return await eventually(what, PATIENCE_MS, async () => {
        last = await this.status(name);
        if (last !== null && satisfies(last)) return last;
        if (last !== null && isTerminal(last.phase)) throw new Error('it has ended before');
        return null;
      });
    } catch (cause) {
      throw new Error(`${name}: ${what}: the status was ${JSON.stringify(last, null, 1)}`, { cause });
    }
  }

  /** The status in which it has ended. */
  ended(name: string): Promise<DeviceMigrationStatus> {
    return this.until(name, 'its end', ({ phase }) => isTerminal(phase));
  }
}
