import type { AuthContext } from '@grpc/grpc-js/build/src/auth-context.js';
import { OPERATOR_IDENTITY, identitiesOf, nodeOfIdentity } from '../contract/identity.ts';

/** The peer's certificate is good but does not entitle it to the call. */
export class NotAuthorized extends Error {
  override readonly name = 'NotAuthorized';
}

interface SecureCall {
  getAuthContext(): AuthContext;
}

function identities(call: SecureCall): string[] {
  const { sslPeerCertificate } = call.getAuthContext();
  return sslPeerCertificate === undefined ? [] : identitiesOf(sslPeerCertificate);
}

/** Commands come from an operator alone. @throws NotAuthorized */
export function requireOperator(call: SecureCall): void {
  if (identities(call).includes(OPERATOR_IDENTITY)) return;
  throw new NotAuthorized(`the client's certificate does not name ${OPERATOR_IDENTITY}`);
}

/** Streams go to agents alone; which one may have them, its ticket says. @throws NotAuthorized */
export function requireAgent(call: SecureCall): void {
  if (identities(call).some((identity) => nodeOfIdentity(identity) !== null)) return;
  throw new NotAuthorized("the client's certificate names no node's agent");
}
