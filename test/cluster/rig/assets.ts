import { join } from 'node:path';

import { runTool } from './tool.ts';

/** A program that assets.sh can build. */
export type AssetName =
  'kube-apiserver' | 'etcd' | 'kubectl' | 'helm' | 'kube-controller-manager' | 'kube-scheduler';

/** A cold build of all of them takes minutes; a second run waits for the first. */
const BUILD_DEADLINE_MS = 90 * 60_000;

/**
 * Builds what the cache lacks of `names` and returns the folder that holds them; see assets.sh for the environment
 * variables that it obeys. Without names: kube-apiserver, etcd, kubectl and helm.
 * @throws with the script's sentence when something is missing or a build fails.
 */
export async function clusterAssets(...names: readonly AssetName[]): Promise<string> {
  const script = join(import.meta.dirname, 'assets.sh');
  const { code, stdout, stderr } = await runTool(script, names, {
    env: process.env,
    timeoutMs: BUILD_DEADLINE_MS,
  });
  if (code !== 0) throw new Error(`assets.sh failed: ${stderr.trim()}`);
  return stdout.trim();
}
