import { readFile, stat } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';
import { credentials } from '@grpc/grpc-js';
import type { VerifyOptions } from '@grpc/grpc-js';
import { BoundedHandshake } from './bounded-handshake.ts';
import { identitiesOf, nodeIdentity } from './identity.ts';

/** PEM files of one process: its certificate chain, its key, and whom it trusts. */
export interface TlsFiles {
  readonly cert: string;
  readonly key: string;
  readonly ca: string;
}

/** Contents of the files at one time, and `revision`, which differs when any of them was replaced. */
export interface TlsMaterial {
  readonly cert: Buffer;
  readonly key: Buffer;
  readonly ca: Buffer;
  readonly revision: string;
}

export const MIN_TLS_VERSION = 'TLSv1.3';

/** Cheap enough to ask before every connection: the files' times and sizes. */
export async function tlsRevision(files: TlsFiles): Promise<string> {
  const stats = await Promise.all([files.cert, files.key, files.ca].map((path) => stat(path)));
  return stats.map(({ mtimeMs, size, ino }) => `${mtimeMs}/${size}/${ino}`).join(' ');
}

/** @throws the errors of node:fs, with the path in them. */
export async function loadTls(files: TlsFiles): Promise<TlsMaterial> {
  const revision = await tlsRevision(files);
  const [cert, key, ca] = await Promise.all([readFile(files.cert), readFile(files.key), readFile(files.ca)]);
  return { cert, key, ca, revision };
}

/**
 * Credentials of a client that shows its own certificate. With `nodeName` the server must be the agent of that
 * node by its URI name, whatever address it was reached at (pod addresses change); without, the usual host name
 * check applies.
 */
export function channelCredentials(tls: TlsMaterial, nodeName: string | null): BoundedHandshake {
  const { cert, key, ca } = tls;
  const context = createSecureContext({ cert, key, ca, minVersion: MIN_TLS_VERSION });
  if (nodeName === null) return new BoundedHandshake(credentials.createFromSecureContext(context));
  const wanted = nodeIdentity(nodeName);
  const checkServerIdentity: VerifyOptions['checkServerIdentity'] = (_host, certificate) =>
    identitiesOf(certificate).includes(wanted)
      ? undefined
      : new Error(`the certificate of the server does not name ${wanted}`);
  return new BoundedHandshake(credentials.createFromSecureContext(context, { checkServerIdentity }));
}
