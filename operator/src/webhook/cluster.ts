import {
  API_VERSION,
  DEVICE_MIGRATION_KIND,
  DEVICE_MIGRATION_PLURAL,
  deviceMigrationStatus,
  EVICTION_FIELD_MANAGER,
  EVICTION_TRIGGER,
  GROUP,
  NODE_WAS_CORDONED_ANNOTATION,
  POD_UID_LABEL,
  TRIGGER_ANNOTATION,
  VERSION,
} from '@transship/crds';
import { z } from 'zod';
import { KubeApiError } from '../kube/api-error.ts';
import type { ApiRequest, KubeTransport } from '../kube/transport.ts';
import { type Attempt, attemptNumber } from './attempts.ts';
import type { Pod } from './verdict.ts';

/** Of the operator's own requests beside the overall deadline of a call. */
const DEADLINE_MS = 3_000;

const labels = z.record(z.string(), z.string()).nullish();

const pod = z.object({
  metadata: z.object({
    name: z.string(),
    uid: z.string().min(1),
    labels,
    deletionTimestamp: z.string().nullish(),
  }),
  spec: z.object({ nodeName: z.string().nullish() }),
  status: z.object({ phase: z.string().nullish() }).nullish(),
});

const labelled = z.object({ metadata: z.object({ labels }) });
const node = z.object({ spec: z.object({ unschedulable: z.boolean().nullish() }).nullish() });

const migration = z.object({
  metadata: z.object({
    name: z.string(),
    namespace: z.string(),
    uid: z.string(),
    creationTimestamp: z.iso.datetime({ offset: true }),
    deletionTimestamp: z.string().nullish(),
  }),
  status: z.unknown(),
});

const migrations = z.object({ items: z.array(migration) });

/** What the webhook reads of the cluster, always from the API server and never from a cache, and the one object it makes. */
export class EvictionCluster {
  readonly #transport: Pick<KubeTransport, 'request'>;

  constructor(transport: Pick<KubeTransport, 'request'>) {
    this.#transport = transport;
  }

  /** @returns null when there is none of that name. @throws as `KubeTransport.request` */
  async pod(namespace: string, name: string, signal: AbortSignal): Promise<Pod | null> {
    try {
      const found = pod.parse(await this.#get(podPath(namespace, name), signal));
      const { metadata, spec, status } = found;
      return {
        namespace,
        name,
        uid: metadata.uid,
        nodeName: spec.nodeName ?? null,
        phase: status?.phase ?? '',
        terminating: (metadata.deletionTimestamp ?? null) !== null,
        labels: metadata.labels ?? {},
      };
    } catch (error) {
      if (error instanceof KubeApiError && error.isObjectNotFound(name)) return null;
      throw error;
    }
  }

  /** @throws as `KubeTransport.request` */
  async namespaceLabels(name: string, signal: AbortSignal): Promise<Readonly<Record<string, string>>> {
    const found = await this.#get(`/api/v1/namespaces/${encodeURIComponent(name)}`, signal);
    return labelled.parse(found).metadata.labels ?? {};
  }

  /** All attempts to move this very pod. @throws as `KubeTransport.request` */
  async attempts(namespace: string, podUid: string, signal: AbortSignal): Promise<Attempt[]> {
    const query = { labelSelector: `${POD_UID_LABEL}=${podUid}` };
    const found = migrations.parse(await this.#get(collection(namespace), signal, query));
    return found.items.flatMap((item) => {
      const number = attemptNumber(podUid, item.metadata.name);
      return number === null ? [] : [attemptOf(item, number)];
    });
  }

  /** The migration of that UID; null when it is gone. @throws as `KubeTransport.request` */
  async migration(
    namespace: string,
    uid: string,
    signal: AbortSignal,
  ): Promise<Pick<Attempt, 'namespace' | 'name' | 'status'> | null> {
    const found = migrations.parse(await this.#get(collection(namespace), signal));
    const item = found.items.find(({ metadata }) => metadata.uid === uid);
    return item === undefined ? null : attemptOf(item, 1);
  }

  /** Whether the node takes no new pods. @throws as `KubeTransport.request` */
  async isCordoned(nodeName: string, signal: AbortSignal): Promise<boolean> {
    const found = await this.#get(`/api/v1/nodes/${encodeURIComponent(nodeName)}`, signal);
    return node.parse(found).spec?.unschedulable === true;
  }

  /**
   * Makes the DeviceMigration of this name, or finds it made by another call: server-side apply of the same object by the
   * same manager changes nothing.
   * @throws as `KubeTransport.request`
   */
  async evacuate(
    name: string,
    { namespace, name: podName, uid, nodeName }: Pod,
    cordoned: boolean,
    signal: AbortSignal,
  ) {
    const body = {
      apiVersion: API_VERSION,
      kind: DEVICE_MIGRATION_KIND,
      metadata: {
        name,
        namespace,
        labels: { [POD_UID_LABEL]: uid },
        annotations: {
          [TRIGGER_ANNOTATION]: EVICTION_TRIGGER,
          ...(cordoned ? { [NODE_WAS_CORDONED_ANNOTATION]: 'true' } : {}),
        },
      },
      spec: { source: { nodeName, podName, podUID: uid }, target: {} },
    };
    const answer = await this.#transport.request(
      {
        method: 'PATCH',
        path: `${collection(namespace)}/${encodeURIComponent(name)}`,
        query: { fieldManager: EVICTION_FIELD_MANAGER, fieldValidation: 'Strict' },
        contentType: 'application/apply-patch+yaml',
        body,
        deadlineMs: DEADLINE_MS,
      },
      signal,
    );
    return attemptOf(migration.parse(answer), attemptNumber(uid, name) ?? 1);
  }

  #get(path: string, signal: AbortSignal, query?: ApiRequest['query']): Promise<unknown> {
    const request = { method: 'GET', path, deadlineMs: DEADLINE_MS } as const;
    return this.#transport.request(query === undefined ? request : { ...request, query }, signal);
  }
}

const podPath = (namespace: string, name: string): string =>
  `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(name)}`;

const collection = (namespace: string): string =>
  `/apis/${GROUP}/${VERSION}/namespaces/${encodeURIComponent(namespace)}/${DEVICE_MIGRATION_PLURAL}`;

/** @throws when the status cannot be read: nothing may follow from it then. */
function attemptOf({ metadata, status }: z.output<typeof migration>, number: number): Attempt {
  return {
    namespace: metadata.namespace,
    name: metadata.name,
    number,
    cancelled: (metadata.deletionTimestamp ?? null) !== null,
    createdAt: new Date(metadata.creationTimestamp),
    status: deviceMigrationStatus.parse(status ?? {}),
  };
}
