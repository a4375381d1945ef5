import { join } from 'node:path';
import type { ControlPlane } from '../../cluster/rig/control-plane.ts';
import { kubectl } from '../../support/kube-release.ts';
import { eventually } from '../../support/managed-process.ts';
import { projectRoot } from '../../support/processes.ts';
import { PATIENCE_MS } from './plane.ts';

/** Of the release. */
export const NAMESPACE = 'transship';

/** `helm install` of the chart with drains enabled. What its pods would run, the rig runs as processes. */
export async function installChart(
  plane: ControlPlane,
  nodes: readonly string[],
  webhookPort: number,
): Promise<void> {
  const chart = join(projectRoot, 'charts', 'transship');
  const place = ['--namespace', NAMESPACE, '--create-namespace'];
  const devices = nodes.flatMap((node) => [
    '--set-json',
    `agent.devicesConfig.${node}=${devicesConfig(node)}`,
  ]);
  const { code, stderr } = await plane.run('helm', [
    ...['install', 'transship', chart, ...place, '--set', 'drain.enabled=true'],
    ...devices,
  ]);
  if (code !== 0) throw new Error(`helm install: ${stderr}`);
  // Services lead nowhere here, since nobody runs a network.
  const clientConfig = { url: `https://127.0.0.1:${webhookPort}/evictions` };
  const patch = [{ op: 'replace', path: '/webhooks/0/clientConfig', value: clientConfig }];
  await kubectl(plane, [
    ...['patch', 'validatingwebhookconfiguration', 'transship-eviction', '--type=json', '-p'],
    JSON.stringify(patch),
  ]);
  for (const kind of ['devicemigrations', 'nodedeviceinventories']) {
    const crd = `crd/${kind}.transship.dev`;
    await kubectl(plane, ['wait', '--for=condition=Established', '--timeout=120s', crd]);
  }
}

/** The chart needs a device to install an agent; the agents of the rig have a devices file of their own. */
const devicesConfig = (node: string): string =>
  JSON.stringify({ devices: [{ id: `${node}/0`, vfioUser: '/run/transship/devices/0.sock' }] });

interface Pod {
  readonly metadata: { readonly name: string; readonly uid: string };
  readonly spec: { readonly nodeName?: string; readonly serviceAccountName?: string };
}

/** Credentials of the agent of a node: those of the pod of the DaemonSet on it, as the kubelet would mount them. */
export async function agentKubeconfig(plane: ControlPlane, node: string): Promise<string> {
  const pod = await eventually(`the agent's pod on ${node}`, PATIENCE_MS, async () => {
    const { items } = JSON.parse(await kubectl(plane, ['get', 'pods', '-n', NAMESPACE, '-o', 'json'])) as {
      items: Pod[];
    };
    return (
      items.find(({ spec }) => spec.nodeName === node && spec.serviceAccountName === 'transship-agent') ??
      null
    );
  });
  const { name, uid } = pod.metadata;
  return plane.kubeconfigFor(NAMESPACE, 'transship-agent', { name, uid });
}
