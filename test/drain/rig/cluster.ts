import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import type { ControlPlane } from '../../cluster/rig/control-plane.ts';
import { freePorts } from '../../cluster/rig/ports.ts';
import { clusterAssets } from '../../cluster/rig/assets.ts';
import { issueTestPki, type TestPki } from '../../support/certificates.ts';
import { kubectl } from '../../support/kube-release.ts';
import { ManagedProcess } from '../../support/managed-process.ts';
import { type RunningAgentProcess, startAgent, startKubeOperator } from '../../support/processes.ts';
import { agentKubeconfig, installChart, NAMESPACE } from './chart.ts';
import { type DrainNode, GROUP_SIZE, RESOURCE, startNode } from './node.ts';
import { startPlane } from './plane.ts';

export interface DrainClusterOptions {
  readonly nodes: readonly string[];
  /** How many pods with devices each node can take. */
  readonly groups: number;
}

/** A control plane with everything of Transship on it as production starts it, and nodes whose kubelets are stood in for. */
export class DrainCluster implements AsyncDisposable {
  readonly plane: ControlPlane;
  readonly nodes: readonly DrainNode[];
  readonly #folder: string;
  readonly #webhookPort: number;
  readonly #stack: AsyncDisposableStack;
  readonly #pki: TestPki;
  readonly #agents = new Map<string, RunningAgentProcess>();
  #operator: ManagedProcess | undefined;

  private constructor(
    parts: Pick<DrainCluster, 'plane' | 'nodes'>,
    rest: { folder: string; webhookPort: number; stack: AsyncDisposableStack; pki: TestPki },
  ) {
    this.plane = parts.plane;
    this.nodes = parts.nodes;
    this.#folder = rest.folder;
    this.#webhookPort = rest.webhookPort;
    this.#stack = rest.stack;
    this.#pki = rest.pki;
  }

  static async start({ nodes: names, groups }: DrainClusterOptions): Promise<DrainCluster> {
    await using stack = new AsyncDisposableStack();
    const { plane, folder } = await startPlane(stack);
    const pki = await issueTestPki(join(folder, 'pki'), names);
    const nodes: DrainNode[] = [];
    for (const [index, name] of names.entries()) {
      nodes.push(await startNode(stack, { plane, folder, name, groups, seed: index + 1 }));
    }
    const [webhookPort] = (await freePorts(1)) as [number];
    await installChart(plane, names, webhookPort);
    const rest = { folder, webhookPort, pki };
    const cluster = new DrainCluster({ plane, nodes }, { ...rest, stack: stack.move() });
    try {
      for (const node of nodes) await cluster.#startAgent(node);
      await cluster.startOperator();
    } catch (error) {
      await cluster[Symbol.asyncDispose]();
      throw error;
    }
    return cluster;
  }

  /** @throws RangeError for a node that is not there */
  node(name: string): DrainNode {
    const found = this.nodes.find((node) => node.name === name);
    if (found === undefined) throw new RangeError(`no node ${name}`);
    return found;
  }

  kubectl(args: readonly string[], input?: string): Promise<string> {
    return kubectl(this.plane, args, input);
  }

  /**
   * From now on every pod of the namespace of the tests is written down as it is made, changed and deleted: a line each,
   * with its UID, its name and the value of its label `app`.
   */
  async watchPods(): Promise<ManagedProcess> {
    const line = '{.object.metadata.uid} {.object.metadata.name} {.object.metadata.labels.app}{"\\n"}';
    const args = [
      'get',
      'pods',
      '-n',
      'default',
      '--watch',
      '--output-watch-events',
      '-o',
      `jsonpath=${line}`,
    ];
    return this.#kubectlProcess('kubectl get pods', args);
  }

  /** A `kubectl drain` as a process of its own; what it prints is its log. */
  drain(node: string, ...args: readonly string[]): Promise<ManagedProcess> {
    return this.#kubectlProcess(`kubectl drain ${node}`, [
      'drain',
      node,
      '--force',
      '--ignore-daemonsets',
      ...args,
    ]);
  }

  /** Starts the operator, or another in its place, with the webhook where the API server asks. */
  async startOperator(): Promise<void> {
    await this.killOperator();
    const port = String(this.#webhookPort);
    this.#operator = await startKubeOperator({
      kubeconfig: await this.plane.kubeconfigFor(NAMESPACE, 'transship-operator'),
      namespace: NAMESPACE,
      logFile: join(this.#folder, 'operator.log'),
      tls: this.#pki.operator,
      args: ['--webhook-host', '127.0.0.1', '--webhook-port', port, '--webhook-name', '127.0.0.1'],
    });
  }

  async killOperator(): Promise<void> {
    await this.#operator?.kill();
  }

  /** Ends of the logs and the histories of the nodes, for a test that fails. */
  async story(): Promise<string> {
    const logs = [this.#operator, ...[...this.#agents.values()].map(({ process }) => process)];
    const tails = logs.map(async (one) => `== ${one?.name}\n${(await one?.log())?.slice(-6_000)}`);
    const histories = this.nodes.map(({ kubelet }) => kubelet.history.join('\n'));
    const objects = await this.kubectl(['get', 'pods,dmig', '-n', 'default', '-o', 'wide']);
    return [...(await Promise.all(tails)), ...histories, objects].join('\n');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.killOperator();
    for (const agent of this.#agents.values()) await agent[Symbol.asyncDispose]();
    await this.#stack.disposeAsync();
  }

  async #kubectlProcess(name: string, args: readonly string[]): Promise<ManagedProcess> {
    return new ManagedProcess({
      name,
      program: join(await clusterAssets('kubectl'), 'kubectl'),
      args,
      logFile: join(this.#folder, `kubectl-${randomUUID()}.log`),
      env: { KUBECONFIG: this.plane.kubeconfig, HOME: this.#folder },
    });
  }

  async #startAgent({ name, folder, emulator, podResources }: DrainNode): Promise<void> {
    const agent = await startAgent({
      directory: join(folder, 'agent'),
      emulator,
      tls: this.#pki.node(name),
      group: GROUP_SIZE,
      args: [
        ...['--publish-inventory', '--kubeconfig', await agentKubeconfig(this.plane, name)],
        ...['--pod-resources', podResources, '--pod-resource-names', RESOURCE],
      ],
    });
    this.#agents.set(name, agent);
  }
}
