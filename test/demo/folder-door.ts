import { readFile, rename, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { isTerminal } from '@transship/crds';
import type { DeviceMigrationStatus } from '@transship/crds';
import { decodeRecord } from '@transship/operator/internal/standalone/record';
import type { MigrationRecord } from '@transship/operator/internal/standalone/record';
import { VOYAGE_DEADLINE_MS } from './door.ts';
import type { DemoDoor, Say } from './door.ts';
import { EXAMPLE } from './manifest.ts';
import type { DemoManifest } from './manifest.ts';

const APPLY_DEADLINE_MS = 60_000;
const POLL_MS = 50;

/** A folder that a standalone operator works on; what it records stands in files beside the manifests. */
export class FolderDoor implements DemoDoor {
  readonly #folder: string;
  #recordFile = '';

  constructor(folder: string) {
    this.#folder = folder;
  }

  async apply({ text, namespace, name }: DemoManifest, say: Say, signal: AbortSignal): Promise<string> {
    this.#recordFile = join(this.#folder, '.transship', `${namespace}.${name}.json`);
    const file = join(this.#folder, basename(EXAMPLE));
    say(`$ cp examples/${basename(EXAMPLE)} ${this.#folder}`);
    await writeFile(`${file}.new`, text);
    await rename(`${file}.new`, file);
    const { metadata } = await this.#until(
      'the operator takes the manifest up',
      APPLY_DEADLINE_MS,
      signal,
      () => true,
    );
    return metadata.uid;
  }

  async follow(say: Say, signal: AbortSignal): Promise<DeviceMigrationStatus> {
    let said = '';
    say(COLUMNS);
    const { status } = await this.#until('the migration ends', VOYAGE_DEADLINE_MS, signal, (record) => {
      const line = columnsOf(record);
      if (line !== said) say(line);
      said = line;
      return record.status.completedAt !== undefined && isTerminal(record.status.phase);
    });
    return status;
  }

  async #until(
    what: string,
    deadlineMs: number,
    signal: AbortSignal,
    satisfies: (record: MigrationRecord) => boolean,
  ): Promise<MigrationRecord> {
    const until = performance.now() + deadlineMs;
    for (;;) {
      const record = await this.#read();
      if (record !== null && satisfies(record)) return record;
      if (performance.now() > until) throw new Error(`${what}: not within ${deadlineMs / 1000} s`);
      await delay(POLL_MS, undefined, { signal });
    }
  }

  async #read(): Promise<MigrationRecord | null> {
    try {
      return decodeRecord(this.#recordFile, await readFile(this.#recordFile, 'utf8'));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
      throw error;
    }
  }
}

const WIDTHS = [12, 12, 8, 8, 10, 10] as const;

const row = (cells: readonly string[]): string =>
  cells
    .map((cell, index) => cell.padEnd(WIDTHS[index] ?? 0))
    .join('')
    .trimEnd();

const COLUMNS = row(['NAME', 'PHASE', 'SOURCE', 'TARGET', 'PROGRESS', 'DOWNTIME']);

/** The columns of `kubectl get dmig`. */
function columnsOf({ metadata, spec, status }: MigrationRecord): string {
  const { source, target } = spec ?? {};
  const { phase, progress = '', downtime = '' } = status;
  return row([metadata.name, phase, source?.nodeName ?? '', target?.nodeName ?? '', progress, downtime]);
}
