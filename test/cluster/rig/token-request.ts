import { send } from './http.ts';

/** Longer than any test run, so that no test sees a token expire by accident. */
const EXPIRATION_SECONDS = 24 * 3600;

/** Which service account, and who asks for its token. */
export interface TokenRequestOptions {
  readonly server: string;
  readonly ca: string;
  readonly adminToken: string;
  readonly namespace: string;
  readonly name: string;
  /** Pod of the same namespace that the token is bound to, as the kubelet's tokens are. */
  readonly pod?: { readonly name: string; readonly uid: string };
}

/**
 * Asks the API server for a token of a service account: the TokenRequest API, as `kubectl create token` does.
 * @throws when the account does not exist, with the API server's own words.
 */
export async function requestToken(options: TokenRequestOptions): Promise<string> {
  const { server, namespace, name, pod } = options;
  const boundObjectRef =
    pod === undefined ? {} : { boundObjectRef: { kind: 'Pod', apiVersion: 'v1', ...pod } };
  const account = `namespaces/${encodeURIComponent(namespace)}/serviceaccounts/${encodeURIComponent(name)}`;
  const { status, text } = await send({
    url: `${server}/api/v1/${account}/token`,
    method: 'POST',
    ca: options.ca,
    bearerToken: options.adminToken,
    body: {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      spec: { expirationSeconds: EXPIRATION_SECONDS, ...boundObjectRef },
    },
    timeoutMs: 90_000,
  });
  if (status !== 201) throw new Error(`no token for ${account}: HTTP ${status}: ${text}`);
  const { status: granted } = JSON.parse(text) as { status: { token: string } };
  return granted.token;
}
