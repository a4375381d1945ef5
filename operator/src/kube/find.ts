import { DEVICE_MIGRATION_PLURAL, GROUP, VERSION } from '@transship/crds';
import { z } from 'zod';
import type { MigrationKey } from '../reconcile/ports.ts';
import { pagesOf } from './pages.ts';
import type { KubeTransport } from './transport.ts';

const PATH = `/apis/${GROUP}/${VERSION}/${DEVICE_MIGRATION_PLURAL}`;
const PAGE_SIZE = 500;
const DEADLINE_MS = 30_000;
/** Names and UIDs alone: a status may be large. */
const ACCEPT = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json';

const named = z.object({
  metadata: z.object({ name: z.string(), namespace: z.string().default(''), uid: z.string() }),
});

/**
 * Where the DeviceMigration with this UID is; null when the cluster has none.
 * @throws as `pagesOf`
 */
export async function findByUid(
  transport: Pick<KubeTransport, 'request'>,
  uid: string,
  signal: AbortSignal,
): Promise<MigrationKey | null> {
  const paged = { path: PATH, accept: ACCEPT, pageSize: PAGE_SIZE, deadlineMs: DEADLINE_MS };
  for await (const { items } of pagesOf(transport, paged, named, signal)) {
    const found = items.find((item) => item.metadata.uid === uid)?.metadata;
    if (found !== undefined) return { namespace: found.namespace, name: found.name };
  }
  return null;
}
