import { z } from 'zod';
import { KubeApiError } from './api-error.ts';
import type { KubeTransport } from './transport.ts';

/** coordination.k8s.io/v1 Lease, as far as an election reads and writes it; other fields are kept. */
const leaseObject = z.looseObject({
  metadata: z.looseObject({ name: z.string(), resourceVersion: z.string().min(1) }),
  spec: z
    .looseObject({
      holderIdentity: z.string().nullish(),
      leaseDurationSeconds: z.int().nullish(),
      acquireTime: z.string().nullish(),
      renewTime: z.string().nullish(),
      leaseTransitions: z.int().nullish(),
    })
    .default({}),
});

export type Lease = z.output<typeof leaseObject>;
export type LeaseSpec = Lease['spec'];

/** One Lease at the API server. Writes are refused with 409 when someone else wrote in between. */
export class LeaseClient {
  readonly #transport: KubeTransport;
  readonly #namespace: string;
  readonly #name: string;

  constructor(transport: KubeTransport, namespace: string, name: string) {
    this.#transport = transport;
    this.#namespace = namespace;
    this.#name = name;
  }

  /** null when it does not exist. */
  async read(deadlineMs: number, signal: AbortSignal): Promise<Lease | null> {
    try {
      return leaseObject.parse(
        await this.#transport.request({ method: 'GET', path: this.#path(this.#name), deadlineMs }, signal),
      );
    } catch (error) {
      if (error instanceof KubeApiError && error.isObjectNotFound(this.#name)) return null;
      throw error;
    }
  }

  async create(spec: LeaseSpec, deadlineMs: number, signal: AbortSignal): Promise<Lease> {
    const body = {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: { namespace: this.#namespace, name: this.#name },
      spec,
    };
    const path = this.#path();
    return leaseObject.parse(
      await this.#transport.request({ method: 'POST', path, body, deadlineMs }, signal),
    );
  }

  /** The body carries the resourceVersion that was read, which makes this a compare-and-swap. */
  async replace(lease: Lease, spec: LeaseSpec, deadlineMs: number, signal: AbortSignal): Promise<Lease> {
    const body = { ...lease, spec: { ...lease.spec, ...spec } };
    const path = this.#path(this.#name);
    return leaseObject.parse(
      await this.#transport.request({ method: 'PUT', path, body, deadlineMs }, signal),
    );
  }

  #path(name?: string): string {
    const collection = `/apis/coordination.k8s.io/v1/namespaces/${encodeURIComponent(this.#namespace)}/leases`;
    return name === undefined ? collection : `${collection}/${encodeURIComponent(name)}`;
  }
}
