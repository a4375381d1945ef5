/** Objects at the API server as an administrator reads and writes them, past the operator. */
import { KubeConfig } from '@kubernetes/client-node';
import { KubeApiError } from '@transship/operator/internal/kube/api-error';
import { KubeTransport } from '@transship/operator/internal/kube/transport';
import { eventually } from '../../support/managed-process.ts';

/** Of one request, ms: an API server that is away or stands still must hold nobody up for long. */
const DEADLINE_MS = 5_000;
/** How long an API server that comes back is waited for: one that says it is ready refuses some requests with 429 yet. */
const PATIENCE_MS = 180_000;

export class Objects {
  readonly #transport: KubeTransport;

  /** @param kubeconfig path @throws when it cannot be read */
  constructor(kubeconfig: string) {
    const credentials = new KubeConfig();
    credentials.loadFromFile(kubeconfig);
    this.#transport = new KubeTransport(credentials);
  }

  /** null: there is none of that name. @throws when the API server does not say. */
  async get(collection: string, name: string): Promise<unknown> {
    try {
      return await this.#request('GET', `${collection}/${name}`);
    } catch (error) {
      if (isNotFound(error, name)) return null;
      throw error;
    }
  }

  /** The items of a collection. @throws when the API server does not say. */
  async list(collection: string): Promise<readonly unknown[]> {
    const { items } = (await this.#request('GET', collection)) as { items: readonly unknown[] | null };
    return items ?? [];
  }

  /** Waits for an API server that is coming back. */
  async create(collection: string, object: object): Promise<void> {
    await patiently(`POST ${collection}`, () =>
      // Without an answer it may have been made all the same.
      this.#request('POST', collection, object).catch((error: unknown) => {
        if (!(error instanceof KubeApiError && error.reason === 'AlreadyExists')) throw error;
      }),
    );
  }

  /** Replaces fields by a merge patch. */
  async merge(collection: string, name: string, patch: object): Promise<void> {
    await this.#request('PATCH', `${collection}/${name}`, patch, 'application/merge-patch+json');
  }

  /** One that is not there is fine. Waits for an API server that is coming back. */
  async remove(collection: string, name: string): Promise<void> {
    await patiently(`DELETE ${collection}/${name}`, () =>
      this.#request('DELETE', `${collection}/${name}`).catch((error: unknown) => {
        if (!isNotFound(error, name)) throw error;
      }),
    );
  }

  close(): void {
    this.#transport.close();
  }

  #request(
    method: 'GET' | 'POST' | 'PATCH' | 'DELETE',
    path: string,
    body?: object,
    contentType?: string,
  ): Promise<unknown> {
    const request = { method, path, deadlineMs: DEADLINE_MS };
    const sent = body === undefined ? {} : { body };
    const typed = contentType === undefined ? {} : { contentType };
    return this.#transport.request({ ...request, ...sent, ...typed }, new AbortController().signal);
  }
}

const isNotFound = (error: unknown, name: string): boolean =>
  error instanceof KubeApiError && error.isObjectNotFound(name);

/** Tries again until the API server has done it. @throws with its last words */
async function patiently(what: string, act: () => Promise<unknown>): Promise<void> {
  let last: unknown;
  const done = eventually(what, PATIENCE_MS, () =>
    act().then(
      () => true,
      (error: unknown) => {
        last = error;
        return null;
      },
    ),
  );
  await done.catch(() => {
    throw last;
  });
}
