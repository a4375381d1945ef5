import type { PodPatch } from '../pods/patches.ts';
import { type Pod, pod, type PodManifest } from '../pods/pod.ts';
import type { PodPort, PodRef, PodWrite } from '../pods/ports.ts';
import { KubeApiError } from './api-error.ts';
import type { ApiRequest, KubeTransport } from './transport.ts';

const DEADLINE_MS = 10_000;
/** What the API server says no to for good; all else may pass the next time. */
const REFUSALS: ReadonlySet<number> = new Set([400, 403, 409, 422]);

/** Pods at an API server. */
export class KubePods implements PodPort {
  readonly #transport: Pick<KubeTransport, 'request'>;

  constructor(transport: Pick<KubeTransport, 'request'>) {
    this.#transport = transport;
  }

  /** A quorum read: without a resourceVersion. */
  async get(namespace: string, name: string, signal: AbortSignal): Promise<Pod | null> {
    const path = pathOf(namespace, name);
    try {
      return pod.parse(
        await this.#transport.request({ method: 'GET', path, deadlineMs: DEADLINE_MS }, signal),
      );
    } catch (error) {
      if (error instanceof KubeApiError && error.isObjectNotFound(name)) return null;
      throw error;
    }
  }

  create(manifest: PodManifest, signal: AbortSignal): Promise<PodWrite> {
    const { namespace, name } = manifest.metadata;
    const request = {
      method: 'POST',
      path: pathOf(namespace),
      body: manifest,
      deadlineMs: DEADLINE_MS,
    } as const;
    return this.#write(request, name, signal);
  }

  patch(ref: PodRef, patch: PodPatch, signal: AbortSignal): Promise<PodWrite> {
    return this.#patch(ref, patch, {}, signal);
  }

  tryPatch(ref: PodRef, patch: PodPatch, signal: AbortSignal): Promise<PodWrite> {
    return this.#patch(ref, patch, { dryRun: 'All' }, signal);
  }

  async delete({ namespace, name, uid }: PodRef, signal: AbortSignal): Promise<void> {
    const body = { kind: 'DeleteOptions', apiVersion: 'v1', preconditions: { uid } };
    const path = pathOf(namespace, name);
    try {
      await this.#transport.request({ method: 'DELETE', path, body, deadlineMs: DEADLINE_MS }, signal);
    } catch (error) {
      // 409: another pod has the name by now.
      const isGone =
        error instanceof KubeApiError && (error.isObjectNotFound(name) || error.httpStatus === 409);
      if (!isGone) throw error;
    }
  }

  #patch(
    { namespace, name, uid }: PodRef,
    patch: PodPatch,
    query: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<PodWrite> {
    const request = {
      method: 'PATCH',
      path: pathOf(namespace, name),
      query,
      body: [{ op: 'test', path: '/metadata/uid', value: uid }, ...patch],
      contentType: 'application/json-patch+json',
      deadlineMs: DEADLINE_MS,
    } as const;
    return this.#write(request, name, signal);
  }

  async #write(request: ApiRequest, name: string, signal: AbortSignal): Promise<PodWrite> {
    try {
      return { kind: 'written', pod: pod.parse(await this.#transport.request(request, signal)) };
    } catch (error) {
      if (!(error instanceof KubeApiError)) throw error;
      if (error.isObjectNotFound(name)) return { kind: 'gone' };
      if (REFUSALS.has(error.httpStatus)) return { kind: 'refused', message: error.message };
      throw error;
    }
  }
}

const pathOf = (namespace: string, name?: string): string =>
  `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods${name === undefined ? '' : `/${encodeURIComponent(name)}`}`;
