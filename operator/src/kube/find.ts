import { DEVICE_MIGRATION_PLURAL, GROUP, VERSION } from '@transship/crds';
import { z } from 'zod';
import type { MigrationKey } from '../reconcile/ports.ts';
import type { KubeTransport } from './transport.ts';

const PAGE_SIZE = '500';
const DEADLINE_MS = 30_000;
/** Names and UIDs alone: a status may be large. */
const ACCEPT = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json';

const page = z.object({
  metadata: z.object({ continue: z.string().optional() }),
  items: z
    .array(
      z.object({
        metadata: z.object({ name: z.string(), namespace: z.string().default(''), uid: z.string() }),
      }),
    )
    .nullable(),
});

/**
 * Where the DeviceMigration with this UID is; null when the cluster has none.
 * @throws as `KubeTransport.request`
 */
export async function findByUid(
  transport: KubeTransport,
  uid: string,
  signal: AbortSignal,
): Promise<MigrationKey | null> {
  const path = `/apis/${GROUP}/${VERSION}/${DEVICE_MIGRATION_PLURAL}`;
  for (let token = ''; ;) {
    const query = { limit: PAGE_SIZE, ...(token === '' ? {} : { continue: token }) };
    const request = { method: 'GET', path, query, accept: ACCEPT, deadlineMs: DEADLINE_MS } as const;
    const { metadata, items } = page.parse(await transport.request(request, signal));
    const found = items?.find((item) => item.metadata.uid === uid)?.metadata;
    if (found !== undefined) return { namespace: found.namespace, name: found.name };
    token = metadata.continue ?? '';
    if (token === '') return null;
  }
}
