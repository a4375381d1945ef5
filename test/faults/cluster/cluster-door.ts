/** Operators on a cluster, with the service account that the chart gives them. */
import type { DeviceMigrationManifest } from '@transship/crds';
import { DEVICE_MIGRATION_PLURAL, GROUP, VERSION } from '@transship/crds';
import { readStoredObject, toStoredMigration } from '@transship/operator/internal/kube/stored-migration';
import type { Release } from '../../support/kube-release.ts';
import type { ManagedProcess } from '../../support/managed-process.ts';
import { startKubeOperator } from '../../support/processes.ts';
import { operatorLogFile, type Door, type DoorOptions, type MigrationRecord } from '../rig/door.ts';
import type { Objects } from './objects.ts';

/** Path of the DeviceMigrations of a namespace. */
export const migrationsIn = (namespace: string): string =>
  `/apis/${GROUP}/${VERSION}/namespaces/${namespace}/${DEVICE_MIGRATION_PLURAL}`;

export class ClusterDoor implements Door {
  readonly #options: DoorOptions;
  readonly #objects: Objects;
  readonly #release: Release;
  readonly #namespace: string;
  /** As last read: an API server that is away tells nothing, and a record does not go by that. */
  readonly #known = new Map<string, MigrationRecord>();

  constructor(options: DoorOptions, objects: Objects, release: Release, namespace: string) {
    this.#options = options;
    this.#objects = objects;
    this.#release = release;
    this.#namespace = namespace;
  }

  startOperator(number: number): Promise<ManagedProcess> {
    const { directory, tls, agents, env } = this.#options;
    return startKubeOperator({
      kubeconfig: this.#release.operatorKubeconfig,
      namespace: this.#release.namespace,
      logFile: operatorLogFile(directory, number),
      // Past the inventories: the proxies stand between operator and agents.
      args: agents.flatMap(({ node, endpoint }) => ['--agent', `${node}=${endpoint}`]),
      ...{ tls, env },
    });
  }

  apply(manifest: DeviceMigrationManifest): Promise<void> {
    const metadata = { ...manifest.metadata, namespace: this.#namespace };
    return this.#objects.create(migrationsIn(this.#namespace), { ...manifest, metadata });
  }

  remove(name: string): Promise<void> {
    return this.#objects.remove(migrationsIn(this.#namespace), name);
  }

  async isApplied(name: string): Promise<boolean> {
    const record = await this.record(name);
    return record !== null && record.metadata.deletionTimestamp === undefined;
  }

  /** As last read, when the API server does not say. */
  async record(name: string): Promise<MigrationRecord | null> {
    try {
      const object = await this.#objects.get(migrationsIn(this.#namespace), name);
      if (object === null) return null;
      const record = recordOf(object);
      this.#known.set(name, record);
      return record;
    } catch {
      return this.#known.get(name) ?? null;
    }
  }

  async endOf({ name }: { readonly name: string }): Promise<string | null> {
    await this.record(name);
    const status = this.#known.get(name)?.status;
    return status?.completedAt === undefined ? null : status.phase;
  }
}

function recordOf(object: unknown): MigrationRecord {
  const stored = readStoredObject(object);
  const { uid, deletionTimestamp, finalizers } = stored.metadata;
  return {
    metadata: {
      uid,
      finalizers: finalizers ?? [],
      ...(deletionTimestamp === null || deletionTimestamp === undefined ? {} : { deletionTimestamp }),
    },
    status: toStoredMigration(stored).status,
  };
}
