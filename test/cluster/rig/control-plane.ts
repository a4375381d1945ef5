import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';

import {
  ADMIN_USER,
  apiServerChild,
  apiServerIsReady,
  type ApiServerOptions,
  apiServerUrl,
  readAuthority,
  writeCredentials,
} from './api-server.ts';
import { Child } from './child-process.ts';
import { type ComponentName, startComponent } from './component.ts';
import { etcdChild, etcdIsReady, type EtcdOptions, etcdUrl } from './etcd.ts';
import { writeKubeconfig } from './kubeconfig.ts';
import { freePorts } from './ports.ts';
import { waitUntilReady } from './readiness.ts';
import { requestToken } from './token-request.ts';
import { runTool, type ToolResult } from './tool.ts';

/** What a control plane needs to start. */
export interface ControlPlaneOptions {
  /** Folder with `etcd` and `kube-apiserver`, such as the one that assets.sh prints. */
  readonly assetsDir: string;
  /** Folder of this control plane alone, made if it is missing: data, keys, kubeconfigs and logs. Empty at first. */
  readonly workDir: string;
  /** Further arguments of the API server, such as feature gates. */
  readonly apiServerArgs?: readonly string[];
  /** What works beside the API server, and must be in `assetsDir`; default: nothing. */
  readonly components?: readonly ComponentName[];
  /** Told what happens, one line at a time. */
  readonly log?: (line: string) => void;
}

/** A program that was killed, as its exit showed. */
export interface Killed {
  readonly name: string;
  readonly pid: number;
  /** null: it had ended by itself. */
  readonly signal: NodeJS.Signals | null;
}

/** Start-up takes seconds; a machine busy with other work is given this much. */
const READY_DEADLINE_MS = 120_000;
const TOOL_DEADLINE_MS = 120_000;

/**
 * A real etcd and a real kube-apiserver on free ports of 127.0.0.1, with RBAC and service account tokens.
 *
 * Unless asked for, no controller runs beside them: owner references do not cascade, deleted namespaces stay
 * Terminating, disruption budgets have no status, and no service account is made on its own. Nothing schedules pods
 * then, and nothing ever runs them.
 */
export class ControlPlane {
  /** Base URL of the API server; it survives a restart. */
  readonly url: string;
  /** Path of a kubeconfig whose user may do anything. */
  readonly kubeconfig: string;
  readonly #workDir: string;
  readonly #adminToken: string;
  readonly #apiServerOptions: ApiServerOptions;
  readonly #etcdOptions: EtcdOptions;
  readonly #log: (line: string) => void;
  #etcd: Child;
  #apiServer: Child | undefined;
  readonly #components = new Map<ComponentName, Child>();

  private constructor(
    options: ControlPlaneOptions,
    etcd: EtcdOptions,
    apiServerPort: number,
    adminToken: string,
  ) {
    const { assetsDir, workDir, apiServerArgs: moreArgs = [], components = [] } = options;
    this.#workDir = workDir;
    this.#adminToken = adminToken;
    this.#log = options.log ?? (() => undefined);
    const hasControllerManager = components.includes('kube-controller-manager');
    const apiServer = { assetsDir, workDir, port: apiServerPort, etcdUrl: etcdUrl(etcd), moreArgs };
    this.#apiServerOptions = { ...apiServer, hasControllerManager };
    this.url = apiServerUrl(this.#apiServerOptions);
    this.kubeconfig = join(workDir, 'admin.kubeconfig');
    this.#etcdOptions = etcd;
    this.#etcd = new Child(etcdChild(etcd));
  }

  /**
   * Starts the programs and waits until all of them are ready.
   * @throws when one of them ends or is not ready within two minutes; whatever had started is stopped by then.
   */
  static async start(options: ControlPlaneOptions): Promise<ControlPlane> {
    const { assetsDir, workDir } = options;
    await mkdir(workDir, { recursive: true, mode: 0o700 });
    const adminToken = await writeCredentials(workDir);
    const [clientPort, peerPort, apiServerPort] = (await freePorts(3)) as [number, number, number];
    const etcd = { assetsDir, workDir, clientPort, peerPort };
    const controlPlane = new ControlPlane(options, etcd, apiServerPort, adminToken);
    try {
      await controlPlane.#awaitEtcd();
      await controlPlane.#startApiServer();
      await controlPlane.#writeKubeconfig(controlPlane.kubeconfig, ADMIN_USER, adminToken, 'default');
      for (const name of options.components ?? []) await controlPlane.startComponent(name);
    } catch (error) {
      await controlPlane.stop();
      throw error;
    }
    return controlPlane;
  }

  /** Process ids of what is running now. */
  get pids(): number[] {
    const running = [this.#etcd, this.#apiServer, ...this.#components.values()].filter(
      (child) => child?.running,
    );
    return running.flatMap((child) => child?.pid ?? []);
  }

  /**
   * Writes a kubeconfig with a fresh token of a service account that exists, and returns its path. With `pod`, the
   * token is bound to that pod and so names its node.
   * @throws when the API server refuses the token, as it does for an account that does not exist.
   */
  async kubeconfigFor(
    namespace: string,
    name: string,
    pod?: { readonly name: string; readonly uid: string },
  ): Promise<string> {
    const ca = await readAuthority(this.#workDir);
    const bound = pod === undefined ? {} : { pod };
    const token = await requestToken({
      ...{ server: this.url, ca, adminToken: this.#adminToken, namespace, name },
      ...bound,
    });
    const file = pod === undefined ? `${namespace}.${name}` : `${namespace}.${name}.${pod.name}`;
    const path = join(this.#workDir, `${file}.kubeconfig`);
    await this.#writeKubeconfig(path, `system:serviceaccount:${namespace}:${name}`, token, namespace);
    return path;
  }

  /**
   * Runs kubectl or helm as the administrator, or with another `kubeconfig`. Its home is the work folder, so that
   * caches and settings of whoever runs the tests stay out of it.
   * @throws when the tool does not finish within `timeoutMs`, two minutes by default; an exit code is no error.
   */
  run(
    tool: 'kubectl' | 'helm',
    args: readonly string[],
    options: { kubeconfig?: string; input?: string; timeoutMs?: number } = {},
  ): Promise<ToolResult> {
    const { kubeconfig = this.kubeconfig, timeoutMs = TOOL_DEADLINE_MS, ...rest } = options;
    const env = { PATH: process.env['PATH'], HOME: this.#workDir, KUBECONFIG: kubeconfig };
    return runTool(join(this.#apiServerOptions.assetsDir, tool), args, { env, timeoutMs, ...rest });
  }

  /** Process id of the API server; undefined while it has not been started. */
  get apiServerPid(): number | undefined {
    return this.#apiServer?.pid;
  }

  get etcdPid(): number | undefined {
    return this.#etcd.pid;
  }

  /** Kills the API server, so that its connections break and its port refuses. Objects stay in etcd. */
  async killApiServer(): Promise<Killed | null> {
    await this.#apiServer?.kill();
    this.#log('kube-apiserver is down');
    return this.#apiServer === undefined ? null : killedOf(this.#apiServer);
  }

  /** Kills etcd, without which the API server stays and fails every request. What it had acknowledged is in its files. */
  async killEtcd(): Promise<Killed> {
    await this.#etcd.kill();
    this.#log('etcd is down');
    return killedOf(this.#etcd);
  }

  /** Kills etcd and starts it again on the same ports and data; returns when the API server is ready again. */
  async restartEtcd(): Promise<void> {
    await this.killEtcd();
    this.#etcd = new Child(etcdChild(this.#etcdOptions));
    await this.#awaitEtcd();
    await this.#awaitApiServer();
  }

  /** Kills the API server and starts it again on the same port, data and credentials; returns when it is ready. */
  async restartApiServer(): Promise<void> {
    await this.killApiServer();
    await this.#startApiServer();
  }

  /**
   * Starts a component, or starts it again after {@link killComponent}; returns when it is healthy. Started by hand and
   * not as an option, a controller manager finds an API server without the ServiceAccount admission plugin.
   */
  async startComponent(name: ComponentName): Promise<void> {
    await this.killComponent(name);
    const [port] = (await freePorts(1)) as [number];
    const { assetsDir } = this.#apiServerOptions;
    const options = { assetsDir, workDir: this.#workDir, port, kubeconfig: this.kubeconfig };
    await this.#timed(`${name} is healthy`, async () => {
      this.#components.set(name, await startComponent(name, options, READY_DEADLINE_MS));
    });
  }

  /** Kills a component, if it runs. What it had not done yet is not done until it is started again. */
  async killComponent(name: ComponentName): Promise<void> {
    await this.#components.get(name)?.kill();
    this.#components.delete(name);
  }

  /** Freezes the API server: connections stay open, new ones are accepted by the kernel, and nothing answers. */
  pauseApiServer(): void {
    this.#apiServer?.pause();
  }

  /** Undoes {@link pauseApiServer}; returns when the API server is ready. */
  async resumeApiServer(): Promise<void> {
    this.#apiServer?.resume();
    await this.#awaitApiServer();
  }

  /** Kills what this object started, by pid, and waits until it is gone. Safe to call twice. Files stay. */
  async stop(): Promise<void> {
    for (const name of [...this.#components.keys()]) await this.killComponent(name);
    await this.#apiServer?.kill();
    await this.#etcd.kill();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #awaitEtcd(): Promise<void> {
    await this.#timed('etcd is ready', () =>
      waitUntilReady(this.#etcd, READY_DEADLINE_MS, () => etcdIsReady(this.#etcdOptions)),
    );
  }

  async #startApiServer(): Promise<void> {
    this.#apiServer = new Child(apiServerChild(this.#apiServerOptions));
    await this.#awaitApiServer();
  }

  async #awaitApiServer(): Promise<void> {
    const child = this.#apiServer;
    if (child === undefined) throw new Error('kube-apiserver has not been started');
    await this.#timed('kube-apiserver is ready', () =>
      waitUntilReady(child, READY_DEADLINE_MS, () =>
        apiServerIsReady(this.#apiServerOptions, this.#adminToken),
      ),
    );
  }

  async #writeKubeconfig(path: string, user: string, token: string, namespace: string): Promise<void> {
    const ca = await readAuthority(this.#workDir);
    await writeKubeconfig(path, { server: this.url, ca, user, token, namespace });
  }

  async #timed(what: string, step: () => Promise<void>): Promise<void> {
    const started = performance.now();
    await step();
    this.#log(`${what} after ${Math.round(performance.now() - started)} ms`);
  }
}

const killedOf = ({ name, pid = -1, endedBy }: Child): Killed => ({ name, pid, signal: endedBy });
