import { DEVICE_MIGRATION_PLURAL, GROUP, VERSION } from '@transship/crds';
import type { Clock, Log, MigrationFeed, MigrationKey } from '../reconcile/ports.ts';
import { ListWatch, type ListWatchTimes } from './list-watch.ts';
import type { KubeTransport } from './transport.ts';

/** Keys of DeviceMigrations that changed, from a list and a watch of their metadata in all namespaces. */
export class KubeMigrationFeed implements MigrationFeed {
  readonly #listWatch: ListWatch;
  #synced = false;

  constructor(transport: KubeTransport, clock: Clock, log: Log, times?: ListWatchTimes) {
    this.#listWatch = new ListWatch(transport, clock, log, {
      path: `/apis/${GROUP}/${VERSION}/${DEVICE_MIGRATION_PLURAL}`,
      metadataOnly: true,
      ...(times === undefined ? {} : { times }),
    });
  }

  /** The list was read at least once. */
  get synced(): boolean {
    return this.#synced;
  }

  run(onChange: (key: MigrationKey) => void, signal: AbortSignal): Promise<void> {
    return this.#listWatch.run(
      {
        upsert: ({ metadata }) => onChange({ namespace: metadata.namespace ?? '', name: metadata.name }),
        removed: (key) => onChange(splitKey(key)),
        listed: () => (this.#synced = true),
      },
      signal,
    );
  }
}

function splitKey(key: string): MigrationKey {
  const slash = key.indexOf('/');
  return { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
}
