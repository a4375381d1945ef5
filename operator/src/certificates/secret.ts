import { z } from 'zod';
import { KubeApiError } from '../kube/api-error.ts';
import type { KubeTransport } from '../kube/transport.ts';
import type { Pair } from './pair.ts';
import type { Held } from './plan.ts';

export interface SecretKey {
  readonly namespace: string;
  readonly name: string;
}

/** The Secret as read; `held` is null while it is empty or lacks a part. */
export interface ReadSecret {
  readonly version: string;
  readonly held: Held | null;
}

const DEADLINE_MS = 10_000;

const secret = z.object({
  metadata: z.object({ resourceVersion: z.string().min(1) }),
  data: z.record(z.string(), z.string()).nullish(),
});

/** Names of the entries; those of the serving certificate are what every tool expects. */
const ENTRIES = {
  serving: ['tls.crt', 'tls.key'],
  issuer: ['authority.crt', 'authority.key'],
  next: ['next-authority.crt', 'next-authority.key'],
  bundle: 'ca.crt',
} as const;

/** One Secret with everything in it, so that it is replaced as a whole or not at all. It has to exist; the chart makes it. */
export class CertificateSecret {
  readonly #transport: Pick<KubeTransport, 'request'>;
  readonly #path: string;

  constructor(transport: Pick<KubeTransport, 'request'>, { namespace, name }: SecretKey) {
    this.#transport = transport;
    this.#path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/secrets/${encodeURIComponent(name)}`;
  }

  /** @throws as `KubeTransport.request` */
  async read(signal: AbortSignal): Promise<ReadSecret> {
    const request = { method: 'GET', path: this.#path, deadlineMs: DEADLINE_MS } as const;
    return toRead(secret.parse(await this.#transport.request(request, signal)));
  }

  /**
   * Replaces what it holds.
   * @returns null when somebody else wrote it since it was read
   * @throws as `KubeTransport.request`
   */
  async write(version: string, held: Held, signal: AbortSignal): Promise<ReadSecret | null> {
    const body = { metadata: { resourceVersion: version }, data: toData(held) };
    const request = {
      method: 'PATCH',
      path: this.#path,
      contentType: 'application/merge-patch+json',
      body,
      deadlineMs: DEADLINE_MS,
    } as const;
    try {
      return toRead(secret.parse(await this.#transport.request(request, signal)));
    } catch (error) {
      if (error instanceof KubeApiError && error.httpStatus === 409) return null;
      throw error;
    }
  }
}

/** In a merge patch, null takes an entry away. */
function toData({ issuer, next, serving, bundle }: Held): Record<string, string | null> {
  const pair = ([cert, key]: readonly [string, string], value: Pair | null) => ({
    [cert]: value === null ? null : encode(value.cert),
    [key]: value === null ? null : encode(value.key),
  });
  return {
    ...pair(ENTRIES.serving, serving),
    ...pair(ENTRIES.issuer, issuer),
    ...pair(ENTRIES.next, next),
    [ENTRIES.bundle]: encode(bundle),
  };
}

function toRead({ metadata, data }: z.output<typeof secret>): ReadSecret {
  const text = (name: string): string => Buffer.from(data?.[name] ?? '', 'base64').toString('utf8');
  const pair = ([cert, key]: readonly [string, string]): Pair | null =>
    text(cert) === '' || text(key) === '' ? null : { cert: text(cert), key: text(key) };
  const [serving, issuer, next] = [ENTRIES.serving, ENTRIES.issuer, ENTRIES.next].map(pair);
  const held =
    serving && issuer ? { serving, issuer, next: next ?? null, bundle: text(ENTRIES.bundle) } : null;
  return { version: metadata.resourceVersion, held };
}

const encode = (text: string): string => Buffer.from(text, 'utf8').toString('base64');
