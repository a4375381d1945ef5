import { join } from 'node:path';
import type { ControlPlane } from '../cluster/rig/control-plane.ts';
import { projectRoot } from './processes.ts';

const NAMESPACE = 'transship';
const RELEASE = 'transship';

/** The chart, installed on a control plane that runs no pods: its objects are there, we play the kubelet. */
export interface Release {
  readonly namespace: string;
  /** The operator's own service account and nothing more. */
  readonly operatorKubeconfig: string;
  /** The agent's service account, bound to a pod on that node, as the kubelet would mount it. */
  agentKubeconfig(nodeName: string): string;
}

/** Runs kubectl and fails with its words when it fails. */
export async function kubectl(plane: ControlPlane, args: readonly string[], input?: string): Promise<string> {
  const { code, stdout, stderr } = await plane.run('kubectl', args, input === undefined ? {} : { input });
  if (code !== 0) throw new Error(`kubectl ${args.join(' ')}: ${stderr}`);
  return stdout;
}

/** `helm install` of the chart as a user would, and the credentials of what it would run on `nodes`. */
export async function installRelease(plane: ControlPlane, nodes: readonly string[]): Promise<Release> {
  const chart = join(projectRoot, 'charts', 'transship');
  const helm = await plane.run('helm', [
    ...['install', RELEASE, chart, '--namespace', NAMESPACE, '--create-namespace'],
    ...nodes.flatMap((node) => ['--set-json', `agent.devicesConfig.${node}=${devicesConfig(node)}`]),
  ]);
  if (helm.code !== 0) throw new Error(`helm install: ${helm.stderr}`);
  for (const kind of ['devicemigrations', 'nodedeviceinventories']) {
    await kubectl(plane, [
      'wait',
      '--for=condition=Established',
      '--timeout=60s',
      `crd/${kind}.transship.dev`,
    ]);
  }
  const agents = new Map<string, string>();
  for (const node of nodes) agents.set(node, await agentOn(plane, node));
  return {
    namespace: NAMESPACE,
    operatorKubeconfig: await plane.kubeconfigFor(NAMESPACE, `${RELEASE}-operator`),
    agentKubeconfig: (nodeName) => {
      const path = agents.get(nodeName);
      if (path === undefined) throw new RangeError(`no agent was installed on ${nodeName}`);
      return path;
    },
  };
}

const devicesConfig = (node: string): string =>
  JSON.stringify({ devices: [{ id: `${node}/0`, vfioUser: '/run/transship/devices/0.sock' }] });

/** What scheduler and kubelet would have made: the node, and the agent's pod on it. */
async function agentOn(plane: ControlPlane, node: string): Promise<string> {
  const account = `${RELEASE}-agent`;
  const pod = `${account}-${node}`;
  const container = { name: 'agent', image: 'transship/node-agent' };
  const objects = [
    { apiVersion: 'v1', kind: 'Node', metadata: { name: node } },
    {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: pod, namespace: NAMESPACE },
      spec: { nodeName: node, serviceAccountName: account, containers: [container] },
    },
  ];
  await kubectl(
    plane,
    ['apply', '-f', '-'],
    JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }),
  );
  const uid = await kubectl(plane, ['get', 'pod', pod, '-n', NAMESPACE, '-o', 'jsonpath={.metadata.uid}']);
  return plane.kubeconfigFor(NAMESPACE, account, { name: pod, uid });
}
