import {
  DEVICE_MIGRATION_PLURAL,
  deviceMigrationStatus,
  type DeviceMigrationStatus,
  EVICTION_TRIGGER,
  GROUP,
  NODE_WAS_CORDONED_ANNOTATION,
  POD_UID_LABEL,
  TRIGGER_ANNOTATION,
  VERSION,
} from '@transship/crds';
import { z } from 'zod';
import { KubeApiError } from '../kube/api-error.ts';
import { listAll } from '../kube/list-all.ts';
import type { KubeTransport } from '../kube/transport.ts';

/** A DeviceMigration that an eviction made. */
export interface Evacuation {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly version: string;
  /** The source's. */
  readonly nodeName: string;
  /** Its deletion was asked for. */
  readonly cancelled: boolean;
  readonly nodeWasCordoned: boolean;
  readonly status: DeviceMigrationStatus;
}

const DEADLINE_MS = 10_000;

const migration = z.object({
  metadata: z.object({
    name: z.string(),
    namespace: z.string(),
    uid: z.string(),
    resourceVersion: z.string(),
    deletionTimestamp: z.string().nullish(),
    annotations: z.record(z.string(), z.string()).nullish(),
  }),
  spec: z.object({ source: z.object({ nodeName: z.string() }) }),
  status: z.unknown(),
});

const node = z.object({
  metadata: z.object({ name: z.string() }),
  spec: z.object({ unschedulable: z.boolean().nullish() }).nullish(),
});

/** The migrations that evictions made, of all namespaces, and the nodes that they leave. */
export class EvacuationCluster {
  readonly #transport: Pick<KubeTransport, 'request'>;

  constructor(transport: Pick<KubeTransport, 'request'>) {
    this.#transport = transport;
  }

  /** One whose status cannot be read is left out: nothing may follow from it. @throws as `listAll` */
  async evacuations(signal: AbortSignal): Promise<Evacuation[]> {
    const path = `/apis/${GROUP}/${VERSION}/${DEVICE_MIGRATION_PLURAL}`;
    const query = { labelSelector: POD_UID_LABEL };
    const found = await listAll(this.#transport, path, migration, query, signal);
    return found.flatMap(({ metadata, spec, status }) => {
      const parsed = deviceMigrationStatus.safeParse(status ?? {});
      const annotations = metadata.annotations ?? {};
      if (!parsed.success || annotations[TRIGGER_ANNOTATION] !== EVICTION_TRIGGER) return [];
      const { name, namespace, uid, resourceVersion } = metadata;
      return {
        ...{ name, namespace, uid, version: resourceVersion, nodeName: spec.source.nodeName },
        cancelled: (metadata.deletionTimestamp ?? null) !== null,
        nodeWasCordoned: annotations[NODE_WAS_CORDONED_ANNOTATION] === 'true',
        status: parsed.data,
      };
    });
  }

  /** Of each node, whether it takes no new pods. @throws as `listAll` */
  async cordons(signal: AbortSignal): Promise<ReadonlyMap<string, boolean>> {
    const found = await listAll(this.#transport, '/api/v1/nodes', node, {}, signal);
    return new Map(found.map(({ metadata, spec }) => [metadata.name, spec?.unschedulable === true]));
  }

  /** Writes down that the node was seen unschedulable. @throws as `KubeTransport.request` */
  async note(evacuation: Evacuation, signal: AbortSignal): Promise<void> {
    const { uid } = evacuation;
    const body = { metadata: { uid, annotations: { [NODE_WAS_CORDONED_ANNOTATION]: 'true' } } };
    const contentType = 'application/merge-patch+json';
    const request = { method: 'PATCH', path: pathOf(evacuation), body, contentType } as const;
    await this.#transport.request({ ...request, deadlineMs: DEADLINE_MS }, signal);
  }

  /**
   * Deletes it as it was read: if it changed since (the decision was written, say), nothing happens.
   * @throws as `KubeTransport.request`
   */
  async cancel(evacuation: Evacuation, signal: AbortSignal): Promise<void> {
    const preconditions = { uid: evacuation.uid, resourceVersion: evacuation.version };
    const body = { apiVersion: 'v1', kind: 'DeleteOptions', preconditions };
    const request = { method: 'DELETE', path: pathOf(evacuation), body, deadlineMs: DEADLINE_MS } as const;
    try {
      await this.#transport.request(request, signal);
    } catch (error) {
      // The next look decides again.
      if (error instanceof KubeApiError && [404, 409].includes(error.httpStatus)) return;
      throw error;
    }
  }
}

const pathOf = ({ namespace, name }: Evacuation): string =>
  `/apis/${GROUP}/${VERSION}/namespaces/${encodeURIComponent(namespace)}/${DEVICE_MIGRATION_PLURAL}/${encodeURIComponent(name)}`;
