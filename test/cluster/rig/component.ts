import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { lastOfChain, readAuthority, serviceAccountKey } from './api-server.ts';
import { Child } from './child-process.ts';
import { send } from './http.ts';
import { waitUntilReady } from './readiness.ts';

/** A program that works on what is in the API server. */
export type ComponentName = 'kube-controller-manager' | 'kube-scheduler';

/** Where one component lives and whom it works for. */
export interface ComponentOptions {
  readonly assetsDir: string;
  readonly workDir: string;
  /** Its own HTTPS port, where it tells its health. */
  readonly port: number;
  /** Its credentials; they must allow everything. */
  readonly kubeconfig: string;
}

const PROBE_DEADLINE_MS = 10_000;

/** What only one of them is told; everything else is the default of the version. */
const OWN_ARGS: Readonly<Record<ComponentName, (workDir: string) => readonly string[]>> = {
  'kube-controller-manager': (workDir) => [
    `--service-account-private-key-file=${serviceAccountKey(workDir)}`,
    `--root-ca-file=${authorityFile(workDir)}`,
    // Nodes of a rig send no heartbeats: their stand-in says once that they are ready.
    '--node-monitor-grace-period=24h',
  ],
  'kube-scheduler': () => [],
};

const authorityFile = (workDir: string) => join(workDir, 'authority.crt');

/**
 * Starts a component and waits until it is healthy.
 * @throws when it ends or is not healthy within `deadlineMs`; it is gone then.
 */
export async function startComponent(
  name: ComponentName,
  options: ComponentOptions,
  deadlineMs: number,
): Promise<Child> {
  const { assetsDir, workDir, port, kubeconfig } = options;
  const certificateDir = join(workDir, name);
  await writeFile(authorityFile(workDir), await readAuthority(workDir));
  const child = new Child({
    name,
    program: join(assetsDir, name),
    logFile: join(workDir, `${name}.log`),
    args: [
      `--kubeconfig=${kubeconfig}`,
      `--authentication-kubeconfig=${kubeconfig}`,
      `--authorization-kubeconfig=${kubeconfig}`,
      '--bind-address=127.0.0.1',
      `--secure-port=${port}`,
      `--cert-dir=${certificateDir}`,
      // There is one of each, and a lease of one that was killed would hold up the next.
      '--leader-elect=false',
      ...OWN_ARGS[name](workDir),
    ],
  });
  try {
    await waitUntilReady(child, deadlineMs, async () => {
      const { status } = await send({
        url: `https://127.0.0.1:${port}/healthz`,
        ca: await lastOfChain(join(certificateDir, `${name}.crt`)),
        timeoutMs: PROBE_DEADLINE_MS,
      });
      return status === 200;
    });
  } catch (error) {
    await child.kill();
    throw error;
  }
  return child;
}
