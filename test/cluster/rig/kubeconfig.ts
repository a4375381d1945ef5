import { writeFile } from 'node:fs/promises';

/** One cluster and one bearer of a token in it. */
export interface KubeconfigOptions {
  readonly server: string;
  /** PEM of the authority that signed the API server's certificate. */
  readonly ca: string;
  readonly user: string;
  readonly token: string;
  /** Namespace of requests that name none. */
  readonly namespace: string;
}

/**
 * Writes a kubeconfig that only its owner can read. It is JSON, which every reader of kubeconfig takes since it is
 * also YAML.
 */
export async function writeKubeconfig(path: string, options: KubeconfigOptions): Promise<void> {
  const name = 'rig';
  const { server, ca, user, token, namespace } = options;
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      { name, cluster: { server, 'certificate-authority-data': Buffer.from(ca).toString('base64') } },
    ],
    users: [{ name: user, user: { token } }],
    contexts: [{ name, context: { cluster: name, user, namespace } }],
    'current-context': name,
  };
  await writeFile(path, `${JSON.stringify(config, null, 2)}\n`, { mode: 0o600 });
}
