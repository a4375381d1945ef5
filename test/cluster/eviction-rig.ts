import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KubeConfig } from '@kubernetes/client-node';
import { KubeTransport } from '@transship/operator/internal/kube/transport';
import { type Release } from '../support/kube-release.ts';
import { eventually, ManagedProcess } from '../support/managed-process.ts';
import { projectRoot } from '../support/processes.ts';
import { clusterAssets } from './rig/assets.ts';
import { ControlPlane } from './rig/control-plane.ts';
import { freePorts } from './rig/ports.ts';
import type { ToolResult } from './rig/tool.ts';

/** Names that the chart gives when its release is called transship. */
const NAMESPACE = 'transship';
export const CONFIGURATION = 'transship-eviction';
export const SECRET = { namespace: NAMESPACE, name: 'transship-webhook-tls' };
/** Whatever is waited for on a busy machine, ms. */
export const PATIENCE_MS = 150_000;

export interface PodOptions {
  readonly namespace?: string;
  readonly labels?: Readonly<Record<string, string>>;
}

/** A running pod, as kubelet and scheduler would have made it. */
export interface RunningPod {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

interface Listed {
  readonly metadata: { readonly name: string; readonly uid: string };
  readonly [field: string]: unknown;
}

/**
 * A real control plane with its controllers and the chart, whose webhook is called at a port of this machine. Pods are on
 * nodes that nobody runs, so what a kubelet would do is done by hand.
 */
export class EvictionRig implements AsyncDisposable {
  readonly plane: ControlPlane;
  /** Where the API server calls. */
  readonly port: number;
  /** With the operator's own permissions and nothing more. */
  readonly operatorKubeconfig: string;
  readonly #folder: string;
  readonly #assets: string;
  #nodes = 0;

  private constructor(
    plane: ControlPlane,
    port: number,
    operatorKubeconfig: Release['operatorKubeconfig'],
    folder: string,
    assets: string,
  ) {
    this.plane = plane;
    this.port = port;
    this.operatorKubeconfig = operatorKubeconfig;
    this.#folder = folder;
    this.#assets = assets;
  }

  static async start(values: readonly string[] = []): Promise<EvictionRig> {
    const components = ['kube-controller-manager'] as const;
    const assets = await clusterAssets('kube-apiserver', 'etcd', 'kubectl', 'helm', ...components);
    const folder = await mkdtemp(join(tmpdir(), 'ts-evict-'));
    const plane = await ControlPlane.start({ assetsDir: assets, workDir: join(folder, 'plane'), components });
    try {
      const [port] = (await freePorts(1)) as [number];
      const chart = join(projectRoot, 'charts', 'transship');
      const place = ['--namespace', NAMESPACE, '--create-namespace'];
      const set = ['drain.enabled=true', ...values].flatMap((value) => ['--set', value]);
      const helm = await plane.run('helm', ['install', 'transship', chart, ...place, ...set]);
      if (helm.code !== 0) throw new Error(`helm install: ${helm.stderr}`);
      const kubeconfig = await plane.kubeconfigFor(NAMESPACE, 'transship-operator');
      const rig = new EvictionRig(plane, port, kubeconfig, folder, assets);
      // Services lead nowhere here, since nobody runs a network.
      const url = `https://127.0.0.1:${port}/evictions`;
      const patch = [{ op: 'replace', path: '/webhooks/0/clientConfig', value: { url } }];
      await rig.kubectl([
        'patch',
        'validatingwebhookconfiguration',
        CONFIGURATION,
        '--type=json',
        '-p',
        JSON.stringify(patch),
      ]);
      const crd = 'crd/devicemigrations.transship.dev';
      await rig.kubectl(['wait', '--for=condition=Established', '--timeout=120s', crd]);
      await rig.newNamespaceAccount('default');
      return rig;
    } catch (error) {
      await plane.stop();
      throw error;
    }
  }

  /** A transport with the operator's permissions. */
  transport(): KubeTransport {
    const kubeConfig = new KubeConfig();
    kubeConfig.loadFromFile(this.operatorKubeconfig);
    return new KubeTransport(kubeConfig);
  }

  /** A folder of this run; removed with everything else. */
  path(name: string): string {
    return join(this.#folder, name);
  }

  /** Waits until pods may be made in a namespace. */
  async newNamespaceAccount(namespace: string): Promise<void> {
    await eventually(`pods may be made in ${namespace}`, PATIENCE_MS, async () => {
      const { code } = await this.plane.run('kubectl', ['get', 'serviceaccount', 'default', '-n', namespace]);
      return code === 0 ? true : null;
    });
  }

  /** A node of its own, as its kubelet would have registered it. */
  async newNode(): Promise<string> {
    this.#nodes += 1;
    const name = `gpu-${this.#nodes}`;
    await this.apply({ apiVersion: 'v1', kind: 'Node', metadata: { name } });
    return name;
  }

  /** A pod that runs on `node` and is ready. */
  async runPod(
    node: string,
    name: string,
    { namespace = 'default', labels = {} }: PodOptions = {},
  ): Promise<RunningPod> {
    await this.apply({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name, namespace, labels },
      spec: { nodeName: node, containers: [{ name: 'main', image: 'trainer' }] },
    });
    const conditions = [{ type: 'Ready', status: 'True' }];
    const status = JSON.stringify({ status: { phase: 'Running', conditions } });
    await this.kubectl(['patch', 'pod', name, '-n', namespace, '--subresource=status', '-p', status]);
    const uid = await this.kubectl(['get', 'pod', name, '-n', namespace, '-o', 'jsonpath={.metadata.uid}']);
    return { namespace, name, uid };
  }

  /** What the operator does with a source whose devices have moved, and its kubelet then. */
  async deletePod({ namespace, name }: RunningPod): Promise<void> {
    await this.kubectl(['delete', 'pod', name, '-n', namespace, '--grace-period=0', '--force']);
  }

  /** One eviction, as any client makes it; never repeated. */
  evict({ namespace, name }: RunningPod, deleteOptions: object = {}): Promise<ToolResult> {
    const metadata = { namespace, name };
    const input = JSON.stringify({ apiVersion: 'policy/v1', kind: 'Eviction', metadata, deleteOptions });
    const path = `/api/v1/namespaces/${namespace}/pods/${name}/eviction`;
    return this.plane.run('kubectl', ['create', '--raw', path, '-f', '-'], { input });
  }

  /** A `kubectl drain` of its own process, with all that it prints in its log. */
  drain(node: string, args: readonly string[] = []): ManagedProcess {
    return new ManagedProcess({
      name: `kubectl drain ${node}`,
      program: join(this.#assets, 'kubectl'),
      args: ['drain', node, '--force', ...args],
      logFile: this.path(`drain-${randomUUID()}.log`),
      env: { KUBECONFIG: this.plane.kubeconfig, HOME: this.#folder },
    });
  }

  /** All migrations of a namespace, by name. */
  async migrations(namespace = 'default'): Promise<Listed[]> {
    const found = await this.kubectl(['get', 'dmig', '-n', namespace, '-o', 'json']);
    const { items } = JSON.parse(found) as { items: Listed[] };
    return items.toSorted((a, b) => a.metadata.name.localeCompare(b.metadata.name));
  }

  /** Writes what an operator would. */
  async setStatus({ namespace }: RunningPod, name: string, status: object): Promise<void> {
    const patch = JSON.stringify({ status });
    const place = ['dmig', name, '-n', namespace, '--subresource=status', '--type=merge'];
    await this.kubectl(['patch', ...place, '-p', patch]);
  }

  apply(object: object): Promise<string> {
    return this.kubectl(['apply', '-f', '-'], JSON.stringify(object));
  }

  /** @throws when kubectl fails */
  async kubectl(args: readonly string[], input = ''): Promise<string> {
    const { code, stdout, stderr } = await this.plane.run('kubectl', args, { input });
    if (code !== 0) throw new Error(`kubectl ${args.join(' ')}: ${stderr}`);
    return stdout;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.plane.stop();
    await rm(this.#folder, { recursive: true, force: true });
  }
}
