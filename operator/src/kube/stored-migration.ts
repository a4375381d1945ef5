import {
  deviceMigrationStatus,
  type DeviceMigrationStatus,
  FINALIZER,
  parseMigration,
  PODS_FINALIZER,
} from '@transship/crds';
import { z } from 'zod';
import type { StoredMigration } from '../reconcile/ports.ts';

/** What every stored object has; a DeviceMigration without it did not come from an API server. */
const stored = z.looseObject({
  metadata: z.looseObject({
    name: z.string().min(1),
    namespace: z.string().min(1),
    uid: z.string().min(1),
    resourceVersion: z.string().min(1),
    generation: z.int().min(0),
    creationTimestamp: z.iso.datetime({ offset: true }),
    deletionTimestamp: z.string().nullish(),
    finalizers: z.array(z.string()).nullish(),
  }),
  status: z.unknown(),
});

export type StoredObject = z.output<typeof stored>;

/**
 * Checks the outside of an object that the API server returned.
 * @throws when it is no stored object
 */
export function readStoredObject(raw: unknown): StoredObject {
  const parsed = stored.safeParse(raw);
  if (!parsed.success)
    throw new Error('the API server returned something that is no DeviceMigration', { cause: parsed.error });
  return parsed.data;
}

/**
 * A manifest that does not parse is a value (it ends as Rejected); a status that does not parse is a throw: the set may be
 * stopped, and a record that cannot be read is no permission for anything.
 */
export function toStoredMigration(object: StoredObject): StoredMigration {
  const { metadata } = object;
  const parsed = parseMigration(object);
  return {
    key: { namespace: metadata.namespace, name: metadata.name },
    uid: metadata.uid,
    version: metadata.resourceVersion,
    generation: metadata.generation,
    createdAt: new Date(metadata.creationTimestamp),
    deletionRequested: (metadata.deletionTimestamp ?? null) !== null,
    finalizerPresent: metadata.finalizers?.includes(FINALIZER) ?? false,
    podsFinalizerPresent: metadata.finalizers?.includes(PODS_FINALIZER) ?? false,
    spec: parsed.ok ? { ok: true, value: parsed.value.spec } : parsed,
    status: readStatus(object),
  };
}

function readStatus({ metadata, status }: StoredObject): DeviceMigrationStatus {
  const parsed = deviceMigrationStatus.safeParse(status ?? {});
  if (parsed.success) return parsed.data;
  throw new Error(
    `the status of ${metadata.namespace}/${metadata.name} cannot be read; nothing is done about it`,
    {
      cause: parsed.error,
    },
  );
}
