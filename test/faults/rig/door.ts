/** Where the migrations of a rig are asked for and recorded, and how an operator comes to them. */
import { join } from 'node:path';
import type { DeviceMigrationManifest, DeviceMigrationStatus } from '@transship/crds';
import type { TlsFiles } from '@transship/node-agent/contract';
import type { ManagedProcess } from '../../support/managed-process.ts';

/** One migration as it stands recorded. */
export interface MigrationRecord {
  readonly metadata: {
    readonly uid: string;
    readonly deletionTimestamp?: string;
    readonly finalizers: readonly string[];
  };
  readonly status: DeviceMigrationStatus;
}

export interface DoorOptions {
  /** Logs go here. */
  readonly directory: string;
  /** Of the operators. */
  readonly tls: TlsFiles;
  readonly agents: readonly { readonly node: string; readonly endpoint: string }[];
  /** Of the operators. */
  readonly env: Readonly<Record<string, string>>;
}

export interface Door {
  /** Starts an operator; `number` tells its log from those of the others. */
  startOperator(number: number): Promise<ManagedProcess>;
  apply(manifest: DeviceMigrationManifest): Promise<void>;
  /** Asks for a migration's end; one that is gone already is fine. */
  remove(name: string): Promise<void>;
  /** Whether it is still asked for. */
  isApplied(name: string): Promise<boolean>;
  /** null: there is no such migration, or no more. */
  record(name: string): Promise<MigrationRecord | null>;
  /** The phase in which a migration ended, also when its record is gone; null: it has not ended. `log`: of all operators. */
  endOf(migration: { readonly name: string; readonly uid: string }, log: string): Promise<string | null>;
}

export const operatorLogFile = (directory: string, number: number): string =>
  join(directory, `operator-${number}.log`);
