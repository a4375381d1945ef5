import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { clusterAssets } from '../../cluster/rig/assets.ts';
import { ControlPlane } from '../../cluster/rig/control-plane.ts';
import { kubectl } from '../../support/kube-release.ts';
import { eventually } from '../../support/managed-process.ts';

/** Whatever is waited for on a busy machine, ms. */
export const PATIENCE_MS = 150_000;
/** Building the programs takes minutes when the cache is cold. */
export const START_DEADLINE_MS = 90 * 60_000;

const PROGRAMS = [
  'kube-apiserver',
  'etcd',
  'kubectl',
  'helm',
  'kube-controller-manager',
  'kube-scheduler',
] as const;

/** A control plane with controllers and scheduler, and a folder for what runs on it. `stack` ends both. */
export async function startPlane(
  stack: AsyncDisposableStack,
): Promise<{ plane: ControlPlane; folder: string }> {
  const assetsDir = await clusterAssets(...PROGRAMS);
  const folder = await mkdtemp(join(tmpdir(), 'ts-drain-'));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  const plane = stack.use(
    await ControlPlane.start({
      assetsDir,
      workDir: join(folder, 'plane'),
      components: ['kube-controller-manager', 'kube-scheduler'],
    }),
  );
  await eventually('the default service account', PATIENCE_MS, async () => {
    const { code } = await plane.run('kubectl', ['get', 'serviceaccount', 'default']);
    return code === 0 ? true : null;
  });
  return { plane, folder };
}

/** As the API has it; null: there is none. */
export async function getObject<T>(plane: ControlPlane, ...what: readonly string[]): Promise<T | null> {
  const out = await kubectl(plane, ['get', ...what, '--ignore-not-found', '-o', 'json']);
  return out === '' ? null : (JSON.parse(out) as T);
}

/** Creates the objects. */
export async function create(plane: ControlPlane, ...objects: readonly unknown[]): Promise<void> {
  const list = { apiVersion: 'v1', kind: 'List', items: objects };
  await kubectl(plane, ['create', '-f', '-'], JSON.stringify(list));
}
