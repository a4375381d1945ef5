import { BUDGET_LABEL, EVICTION_POLICY_LABEL, MIGRATE_ON_DRAIN_LABEL } from '@transship/crds';
import { z } from 'zod';
import { KubeApiError } from '../kube/api-error.ts';
import { listAll } from '../kube/list-all.ts';
import type { KubeTransport } from '../kube/transport.ts';
import { type Budget, budgetName, type GuardedPod } from './plan.ts';
import { labelSelector } from './selector.ts';

const DEADLINE_MS = 10_000;
const FIELD_MANAGER = 'transship-budgets';
const BUDGETS = '/apis/policy/v1';

const labels = z.record(z.string(), z.string()).nullish();

const pod = z.object({
  metadata: z.object({
    namespace: z.string(),
    name: z.string(),
    uid: z.string(),
    deletionTimestamp: z.string().nullish(),
    labels,
  }),
});

const namespace = z.object({ metadata: z.object({ name: z.string(), labels }) });

const budget = z.object({
  metadata: z.object({ namespace: z.string(), name: z.string(), uid: z.string(), labels }),
  spec: z.object({ selector: labelSelector.nullish() }),
});

const place = (name: string | null): string =>
  name === null ? '' : `/namespaces/${encodeURIComponent(name)}`;

/** Pods that opted in and the disruption budgets of a cluster. */
export class BudgetCluster {
  readonly #transport: Pick<KubeTransport, 'request'>;

  constructor(transport: Pick<KubeTransport, 'request'>) {
    this.#transport = transport;
  }

  /**
   * Pods of a namespace, or of all of them (null).
   * @throws as `listAll`
   */
  async pods(inNamespace: string | null, selector: string, signal: AbortSignal): Promise<GuardedPod[]> {
    const path = `/api/v1${place(inNamespace)}/pods`;
    const query = selector === '' ? {} : { labelSelector: selector };
    const found = await listAll(this.#transport, path, pod, query, signal);
    return found.map(({ metadata }) => ({
      namespace: metadata.namespace,
      name: metadata.name,
      uid: metadata.uid,
      terminating: (metadata.deletionTimestamp ?? null) !== null,
      labels: metadata.labels ?? {},
    }));
  }

  /** Labels of the namespaces that have a word on evictions. @throws as `listAll` */
  async namespaces(signal: AbortSignal): Promise<ReadonlyMap<string, Readonly<Record<string, string>>>> {
    const all = new Map<string, Readonly<Record<string, string>>>();
    for (const labelSelector of [MIGRATE_ON_DRAIN_LABEL, EVICTION_POLICY_LABEL]) {
      const found = await listAll(
        this.#transport,
        '/api/v1/namespaces',
        namespace,
        { labelSelector },
        signal,
      );
      for (const { metadata } of found) all.set(metadata.name, metadata.labels ?? {});
    }
    return all;
  }

  /** All of the cluster. @throws as `listAll` */
  async budgets(signal: AbortSignal): Promise<Budget[]> {
    const found = await listAll(this.#transport, `${BUDGETS}/poddisruptionbudgets`, budget, {}, signal);
    return found.map(({ metadata, spec }) => ({
      namespace: metadata.namespace,
      name: metadata.name,
      uid: metadata.uid,
      madeFor: metadata.labels?.[BUDGET_LABEL] ?? null,
      selector: spec.selector ?? null,
    }));
  }

  /**
   * Gives a pod a label of its own and a budget that selects it. Repeating it changes nothing.
   * @throws as `KubeTransport.request`; a pod that is another one by now is a 409 or 422
   */
  async guard({ namespace: inNamespace, name, uid }: GuardedPod, signal: AbortSignal): Promise<void> {
    const own = { [BUDGET_LABEL]: uid };
    const merge = { contentType: 'application/merge-patch+json', deadlineMs: DEADLINE_MS } as const;
    // The UID is no change to the pod that has it, and is refused by any other.
    const labelled = { metadata: { uid, labels: own } };
    const path = `/api/v1${place(inNamespace)}/pods/${encodeURIComponent(name)}`;
    await this.#transport.request({ method: 'PATCH', path, body: labelled, ...merge }, signal);
    const ownerReferences = [{ apiVersion: 'v1', kind: 'Pod', name, uid }];
    const body = {
      apiVersion: 'policy/v1',
      kind: 'PodDisruptionBudget',
      metadata: { name: budgetName(uid), namespace: inNamespace, labels: own, ownerReferences },
      spec: { minAvailable: 1, selector: { matchLabels: own } },
    };
    await this.#transport.request(
      {
        method: 'PATCH',
        path: this.#pathOf(inNamespace, budgetName(uid)),
        query: { fieldManager: FIELD_MANAGER, force: 'true' },
        contentType: 'application/apply-patch+yaml',
        body,
        deadlineMs: DEADLINE_MS,
      },
      signal,
    );
  }

  /** Takes a budget away; one that is gone, or another by now, is left alone. @throws as `KubeTransport.request` */
  async remove(
    { namespace: inNamespace, name, uid }: Pick<Budget, 'namespace' | 'name' | 'uid'>,
    signal: AbortSignal,
  ): Promise<void> {
    await this.#delete(inNamespace, name, { preconditions: { uid } }, signal);
  }

  /** Takes the budget that was made for a pod away, so that it can be evicted at once. @throws as `KubeTransport.request` */
  async lift(
    guarded: { readonly namespace: string; readonly uid: string; readonly labels: GuardedPod['labels'] },
    signal: AbortSignal,
  ): Promise<void> {
    if (guarded.labels[BUDGET_LABEL] !== guarded.uid) return;
    await this.#delete(guarded.namespace, budgetName(guarded.uid), {}, signal);
  }

  async #delete(inNamespace: string, name: string, options: object, signal: AbortSignal): Promise<void> {
    const body = { apiVersion: 'v1', kind: 'DeleteOptions', ...options };
    const path = this.#pathOf(inNamespace, name);
    try {
      await this.#transport.request({ method: 'DELETE', path, body, deadlineMs: DEADLINE_MS }, signal);
    } catch (error) {
      if (error instanceof KubeApiError && (error.isObjectNotFound(name) || error.httpStatus === 409)) return;
      throw error;
    }
  }

  #pathOf(inNamespace: string, name: string): string {
    return `${BUDGETS}${place(inNamespace)}/poddisruptionbudgets/${encodeURIComponent(name)}`;
  }
}
