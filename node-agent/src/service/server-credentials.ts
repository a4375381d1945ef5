import { ServerCredentials } from '@grpc/grpc-js';
import { MIN_TLS_VERSION } from '../contract/tls.ts';
import type { TlsMaterial } from '../contract/tls.ts';

const contextOf = ({ cert, key, ca }: TlsMaterial) =>
  ({ cert, key, ca, minVersion: MIN_TLS_VERSION }) as const;

/** Mutual TLS 1.3: a client without a certificate of our authority does not get past the handshake. */
export class MutualTlsCredentials extends ServerCredentials {
  constructor(tls: TlsMaterial) {
    super({ requestCert: true, rejectUnauthorized: true, minVersion: MIN_TLS_VERSION }, contextOf(tls));
  }

  /** New connections use these files; open ones go on. */
  reload(tls: TlsMaterial): void {
    this.updateSecureContextOptions(contextOf(tls));
  }

  override _equals(other: ServerCredentials): boolean {
    return this === other;
  }
}
