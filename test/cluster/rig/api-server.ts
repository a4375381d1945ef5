import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import type { ChildOptions } from './child-process.ts';
import { send } from './http.ts';

/** Where one API server lives and what it stands on. */
export interface ApiServerOptions {
  readonly assetsDir: string;
  readonly workDir: string;
  readonly port: number;
  readonly etcdUrl: string;
  /** Beside the defaults of the version, such as feature gates. */
  readonly moreArgs?: readonly string[];
  /** A controller manager runs too, and makes what the ServiceAccount admission plugin demands. */
  readonly hasControllerManager?: boolean;
}

/** Name of the user that the static token belongs to; its group system:masters may do anything. */
export const ADMIN_USER = 'rig-admin';

/** Private key that signs service account tokens, made by {@link writeCredentials}. */
export const serviceAccountKey = (workDir: string) => join(workDir, 'service-account.key');
const serviceAccountPublicKey = (workDir: string) => join(workDir, 'service-account.pub');
const tokenFile = (workDir: string) => join(workDir, 'tokens.csv');
const certificateDir = (workDir: string) => join(workDir, 'api-server');

/**
 * Writes the key pair that signs service account tokens and the file with the administrator's token.
 * @returns that token.
 */
export async function writeCredentials(workDir: string): Promise<string> {
  const { privateKey, publicKey } = generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  });
  const token = randomBytes(32).toString('hex');
  const secret = { mode: 0o600 };
  await writeFile(serviceAccountKey(workDir), privateKey, secret);
  await writeFile(serviceAccountPublicKey(workDir), publicKey);
  await writeFile(tokenFile(workDir), `${token},${ADMIN_USER},${ADMIN_USER},"system:masters"\n`, secret);
  return token;
}

/** URL of the API server; its certificate names the address. */
export function apiServerUrl(options: Pick<ApiServerOptions, 'port'>): string {
  return `https://127.0.0.1:${options.port}`;
}

/**
 * How to start the API server, with the credentials of {@link writeCredentials}. Everything not named here is the
 * default of the version, admission included, except what needs a network or a controller manager that is not there.
 */
export function apiServerChild(options: ApiServerOptions): ChildOptions {
  const { workDir } = options;
  return {
    name: 'kube-apiserver',
    program: join(options.assetsDir, 'kube-apiserver'),
    logFile: join(workDir, 'kube-apiserver.log'),
    args: [
      `--etcd-servers=${options.etcdUrl}`,
      '--bind-address=127.0.0.1',
      '--advertise-address=127.0.0.1',
      `--secure-port=${options.port}`,
      // A self-signed certificate appears here at the first start and is used again at the next.
      `--cert-dir=${certificateDir(workDir)}`,
      '--authorization-mode=Node,RBAC',
      `--token-auth-file=${tokenFile(workDir)}`,
      '--service-account-issuer=https://kubernetes.default.svc',
      `--service-account-key-file=${serviceAccountPublicKey(workDir)}`,
      `--service-account-signing-key-file=${serviceAccountKey(workDir)}`,
      // It refuses every pod until a controller manager has made the namespace's default service account.
      ...(options.hasControllerManager ? [] : ['--disable-admission-plugins=ServiceAccount']),
      // It would publish a loopback address, which Endpoints may not hold.
      '--endpoint-reconciler-type=none',
      '--service-cluster-ip-range=10.96.0.0/16',
      // The agents and the device broker run privileged.
      '--allow-privileged=true',
      ...(options.moreArgs ?? []),
    ],
  };
}

/**
 * PEM of the authority behind the API server's own certificate: the last of the chain in its certificate file.
 * @throws ENOENT until the API server has written that file.
 */
export function readAuthority(workDir: string): Promise<string> {
  return lastOfChain(join(certificateDir(workDir), 'apiserver.crt'));
}

/**
 * PEM of the last certificate in a file: the authority in those that the programs of Kubernetes sign for themselves.
 * @throws ENOENT until the program has written that file.
 */
export async function lastOfChain(file: string): Promise<string> {
  const chain = await readFile(file, 'utf8');
  const authority = chain.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----\n?/g)?.at(-1);
  if (authority === undefined) throw new Error(`${file} holds no certificate`);
  return authority;
}

/** Whether the API server says that it, etcd and its start-up hooks (RBAC's default roles among them) are ready. */
export async function apiServerIsReady(options: ApiServerOptions, adminToken: string): Promise<boolean> {
  const { status } = await send({
    url: `${apiServerUrl(options)}/readyz`,
    ca: await readAuthority(options.workDir),
    bearerToken: adminToken,
    timeoutMs: 10_000,
  });
  return status === 200;
}
