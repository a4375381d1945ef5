import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { DeviceMigration } from '@transship/crds';
import { issueTestPki, type TestPki } from '../support/certificates.ts';
import { installRelease, kubectl, type Release } from '../support/kube-release.ts';
import type { ManagedProcess } from '../support/managed-process.ts';
import {
  startAgent,
  startEmulator,
  startKubeOperator,
  type RunningAgentProcess,
  type RunningEmulator,
} from '../support/processes.ts';
import { clusterAssets } from './rig/assets.ts';
import { ControlPlane } from './rig/control-plane.ts';

const NODES = ['gpu-a', 'gpu-b'] as const;
export type NodeName = (typeof NODES)[number];

/** A real control plane with the chart on it, and two nodes with emulated devices and real agents. */
export class KubeNodes implements AsyncDisposable {
  readonly plane: ControlPlane;
  readonly emulators = new Map<NodeName, RunningEmulator>();
  readonly #agents = new Map<NodeName, RunningAgentProcess>();
  readonly #operators: ManagedProcess[] = [];
  readonly #folder: string;
  readonly #pki: TestPki;
  readonly #release: Release;

  private constructor(folder: string, plane: ControlPlane, pki: TestPki, release: Release) {
    this.#folder = folder;
    this.plane = plane;
    this.#pki = pki;
    this.#release = release;
  }

  static async start(): Promise<KubeNodes> {
    const assetsDir = await clusterAssets();
    const folder = await mkdtemp(join(tmpdir(), 'ts-kube-'));
    const plane = await ControlPlane.start({ assetsDir, workDir: join(folder, 'plane') });
    try {
      const pki = await issueTestPki(join(folder, 'pki'), NODES);
      return new KubeNodes(folder, plane, pki, await installRelease(plane, NODES));
    } catch (error) {
      await plane.stop();
      throw error;
    }
  }

  /** Fresh emulators and agents; what ran before is ended. Devices of gpu-a carry traffic. */
  async startNodes(options: { devices: number; memory: string; args?: readonly string[] }): Promise<void> {
    await this.stopNodes();
    const { devices, memory, args = [] } = options;
    const run = await mkdtemp(join(this.#folder, 'run-'));
    for (const node of NODES) {
      const emulator = await startEmulator({
        directory: join(run, node),
        node,
        devices,
        memory,
        args: [...args, ...(node === 'gpu-a' ? [] : ['--traffic', 'off'])],
      });
      this.emulators.set(node, emulator);
      const agent = await startAgent({
        directory: join(run, `${node}-agent`),
        emulator,
        tls: this.#pki.node(node),
        args: ['--publish-inventory', '--kubeconfig', this.#release.agentKubeconfig(node)],
      });
      this.#agents.set(node, agent);
      await this.#untilPublished(node, agent.endpoint);
    }
  }

  get operatorKubeconfig(): string {
    return this.#release.operatorKubeconfig;
  }

  /** With the operator's own service account, or with other credentials, such as those of a proxy. */
  async startOperator(kubeconfig = this.operatorKubeconfig): Promise<ManagedProcess> {
    const operator = await startKubeOperator({
      kubeconfig,
      namespace: this.#release.namespace,
      logFile: join(this.#folder, `operator-${randomUUID()}.log`),
      tls: this.#pki.operator,
    });
    this.#operators.push(operator);
    return operator;
  }

  /** A file of this run; removed with everything else. */
  path(name: string): string {
    return join(this.#folder, name);
  }

  async stopOperators(): Promise<void> {
    await Promise.all(this.#operators.splice(0).map((operator) => operator[Symbol.asyncDispose]()));
  }

  async stopNodes(): Promise<void> {
    for (const agent of this.#agents.values()) await agent[Symbol.asyncDispose]();
    for (const emulator of this.emulators.values()) await emulator[Symbol.asyncDispose]();
    this.#agents.clear();
    this.emulators.clear();
  }

  /** The node is cut off from its power: agent and devices end without a word. */
  async losePower(node: NodeName): Promise<void> {
    await this.#agents.get(node)?.process.kill();
    await this.emulators.get(node)?.process.kill();
  }

  /** What the container of the operator has in its environment, for a program that is run in it. */
  get operatorEnvironment(): Readonly<Record<string, string>> {
    const { cert, key, ca } = this.#pki.operator;
    return {
      TRANSSHIP_KUBECONFIG: this.operatorKubeconfig,
      TRANSSHIP_TLS_CERT: cert,
      TRANSSHIP_TLS_KEY: key,
      TRANSSHIP_TLS_CA: ca,
    };
  }

  kubectl(args: readonly string[], input?: string): Promise<string> {
    return kubectl(this.plane, args, input);
  }

  async get(name: string): Promise<DeviceMigration | null> {
    const { code, stdout } = await this.plane.run('kubectl', ['get', 'dmig', name, '-o', 'json']);
    return code === 0 ? (JSON.parse(stdout) as DeviceMigration) : null;
  }

  /** Polls until the object (null: gone) is as wanted. */
  async until(
    name: string,
    what: string,
    wanted: (migration: DeviceMigration | null) => boolean,
    deadlineMs = 120_000,
  ): Promise<DeviceMigration | null> {
    const deadline = Date.now() + deadlineMs;
    for (;;) {
      const migration = await this.get(name);
      if (wanted(migration)) return migration;
      if (Date.now() > deadline) {
        throw new Error(`${name} is not ${what}: ${JSON.stringify(migration?.status, null, 2)}`);
      }
      await sleep(100);
    }
  }

  async #untilPublished(node: NodeName, endpoint: string): Promise<void> {
    const deadline = Date.now() + 120_000;
    for (;;) {
      const path = '{.status.agent.endpoint}';
      const { stdout } = await this.plane.run('kubectl', ['get', 'ndi', node, '-o', `jsonpath=${path}`]);
      if (stdout === endpoint) return;
      if (Date.now() > deadline) throw new Error(`the agent of ${node} did not publish its inventory`);
      await sleep(200);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stopOperators();
    await this.stopNodes();
    await this.plane.stop();
    await rm(this.#folder, { recursive: true, force: true });
  }
}
