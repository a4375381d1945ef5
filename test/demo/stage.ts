import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { clusterAssets } from '../cluster/rig/assets.ts';
import { ControlPlane } from '../cluster/rig/control-plane.ts';
import type { TestPki } from '../support/certificates.ts';
import { installRelease, kubectl } from '../support/kube-release.ts';
import { startKubeOperator, startOperator } from '../support/processes.ts';
import { ClusterDoor } from './cluster-door.ts';
import type { DemoDoor, Say } from './door.ts';
import { FolderDoor } from './folder-door.ts';
import { SOURCE, startNode, TARGET } from './nodes.ts';
import type { DemoNode } from './nodes.ts';
import type { DemoOptions } from './options.ts';

/** All that a voyage needs, running. */
export interface Stage {
  readonly source: DemoNode;
  readonly target: DemoNode;
  readonly door: DemoDoor;
}

export interface StageOptions extends Pick<DemoOptions, 'devices' | 'memory'> {
  readonly directory: string;
  readonly pki: TestPki;
  readonly say: Say;
  readonly signal: AbortSignal;
}

/** What every node is started with, whoever leads it. */
type Nodes = Pick<Stage, 'source' | 'target'>;

async function startNodes(
  { devices, memory, directory, pki, signal }: StageOptions,
  stack: AsyncDisposableStack,
  agentArgs: (node: string) => readonly string[],
): Promise<Nodes> {
  const start = (name: string): Promise<DemoNode> => {
    const busy = name === SOURCE;
    return startNode({ name, directory, devices, memory, pki, busy, agentArgs: agentArgs(name) }, stack);
  };
  const [source, target] = await Promise.all([start(SOURCE), start(TARGET)]);
  signal.throwIfAborted();
  return { source, target };
}

/** Two nodes, and an operator on a folder of manifests. Everything ends with `stack`. */
export async function stageFolder(options: StageOptions, stack: AsyncDisposableStack): Promise<Stage> {
  const { directory, pki, signal } = options;
  const nodes = await startNodes(options, stack, () => []);
  const manifests = join(directory, 'manifests');
  await mkdir(manifests);
  const agents = [nodes.source.agent, nodes.target.agent];
  const logFile = join(directory, 'operator.log');
  stack.use(await startOperator({ manifests, logFile, tls: pki.operator, agents }));
  signal.throwIfAborted();
  return { ...nodes, door: new FolderDoor(manifests) };
}

/**
 * The same on a real etcd and kube-apiserver, with the chart installed by helm. There are no pods: operator and agents
 * are started here, each with the token of the service account that the chart made for it.
 */
export async function stageCluster(options: StageOptions, stack: AsyncDisposableStack): Promise<Stage> {
  const { directory, pki, say, signal } = options;
  say('kube-apiserver, etcd, kubectl and helm: built from source unless the cache has them (10 minutes) ...');
  const assetsDir = await clusterAssets();
  signal.throwIfAborted();
  const plane = stack.use(await ControlPlane.start({ assetsDir, workDir: join(directory, 'control-plane') }));
  signal.throwIfAborted();
  say('$ helm install transship charts/transship --namespace transship --create-namespace');
  const release = await installRelease(plane, [SOURCE, TARGET]);
  signal.throwIfAborted();
  const nodes = await startNodes(options, stack, (node) => [
    ...['--publish-inventory', '--kubeconfig', release.agentKubeconfig(node)],
  ]);
  stack.use(
    await startKubeOperator({
      kubeconfig: release.operatorKubeconfig,
      namespace: release.namespace,
      logFile: join(directory, 'operator.log'),
      tls: pki.operator,
    }),
  );
  signal.throwIfAborted();
  await showInventories(plane, say);
  const kubectlPath = join(assetsDir, 'kubectl');
  return { ...nodes, door: new ClusterDoor({ plane, kubectlPath, directory }) };
}

async function showInventories(plane: ControlPlane, say: Say): Promise<void> {
  const names = [SOURCE, TARGET].map((node) => `ndi/${node}`);
  const published = '--for=jsonpath={.status.agent.endpoint}';
  for (const condition of ['--for=create', published]) {
    await kubectl(plane, ['wait', ...names, condition, '--timeout=60s']);
  }
  say('$ kubectl get nodedeviceinventories');
  say((await kubectl(plane, ['get', 'nodedeviceinventories'])).trimEnd());
}
