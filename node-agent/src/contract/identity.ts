import type { PeerCertificate } from 'node:tls';

/** Who a certificate speaks for, as a SPIFFE id in its URI subject alternative name. */
const TRUST_DOMAIN = 'spiffe://transship.dev';

/** May send commands to agents. */
export const OPERATOR_IDENTITY = `${TRUST_DOMAIN}/operator`;

/** The agent of a node: may pull streams, serves that node's devices. */
export const nodeIdentity = (nodeName: string): string => `${TRUST_DOMAIN}/node/${nodeName}`;

/** Name of the node whose agent holds the identity; null when it is no agent's. */
export function nodeOfIdentity(identity: string): string | null {
  const prefix = nodeIdentity('');
  return identity.startsWith(prefix) && identity.length > prefix.length
    ? identity.slice(prefix.length)
    : null;
}

/** Identities of our trust domain in a verified peer certificate. A quoted entry (RFC 2253 escapes) is none of ours. */
export function identitiesOf(certificate: Pick<PeerCertificate, 'subjectaltname'>): string[] {
  const entries = (certificate.subjectaltname ?? '').split(', ');
  const uris = entries.filter((entry) => entry.startsWith('URI:')).map((entry) => entry.slice('URI:'.length));
  return uris.filter((uri) => uri.startsWith(`${TRUST_DOMAIN}/`));
}
