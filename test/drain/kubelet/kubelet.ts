import { setTimeout as delay } from 'node:timers/promises';
import type { EmulatorControl } from '../../support/emulator-control.ts';
import { Api, isGone } from './api.ts';
import { type Allocation, DevicePool, type PoolOptions } from './device-pool.ts';
import { registerNode } from './node-object.ts';
import type { Pod } from './pod.ts';
import { type ListedPod, PodResourcesServer } from './pod-resources.ts';
import { PodWorker } from './pod-worker.ts';
import { Workloads } from './workload.ts';

export interface KubeletOptions extends PoolOptions {
  readonly node: string;
  readonly kubeconfig: string;
  /** Socket of the PodResources server, as /var/lib/kubelet/pod-resources/kubelet.sock. */
  readonly podResources: string;
  /** Whose workloads are the processes of the pods with devices. */
  readonly control: EmulatorControl;
}

const POLL_MS = 100;

/**
 * Stands for the kubelet of one node: registers it, takes the pods that are bound to it, gives them devices, lets the
 * emulator's workloads be their processes, and tells the API and the agent of it. There are no containers.
 */
export class Kubelet implements AsyncDisposable {
  readonly node: string;
  /** What happened, line by line, to be shown when a test fails. */
  readonly history: string[] = [];
  readonly #api: Api;
  readonly #pool: DevicePool;
  readonly #workloads: Workloads;
  readonly #known = new Map<string, { pod: Pod; readonly worker: PodWorker }>();
  readonly #stopping = new AbortController();
  #podResources: PodResourcesServer | undefined;
  #loop: Promise<void> = Promise.resolve();

  private constructor({ node, control, ...pool }: KubeletOptions, api: Api) {
    this.node = node;
    this.#api = api;
    this.#pool = new DevicePool(pool);
    this.#workloads = new Workloads(control);
  }

  /** @throws when the API server or the socket refuses */
  static async start(options: KubeletOptions): Promise<Kubelet> {
    const api = await Api.open(options.kubeconfig);
    const kubelet = new Kubelet(options, api);
    const pool = kubelet.#pool;
    kubelet.#podResources = await PodResourcesServer.listen(options.podResources, pool, () =>
      kubelet.#listed(),
    );
    await registerNode(api, options.node, { [pool.resource]: pool.capacity });
    kubelet.#loop = kubelet.#run();
    return kubelet;
  }

  get allocations(): readonly Allocation[] {
    return this.#pool.allocations;
  }

  /** Group of the devices of a pod; null: it has none here. */
  groupOf(podUid: string): number | null {
    return this.#pool.of(podUid)?.group ?? null;
  }

  /** The process of the pod ends by itself. @throws RangeError when no such pod is here */
  exit(podUid: string, code: number): void {
    const known = this.#known.get(podUid);
    if (known === undefined) throw new RangeError(`no pod ${podUid} is on ${this.node}`);
    known.worker.exit(code);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort();
    await this.#loop;
    await this.#podResources?.[Symbol.asyncDispose]();
    this.#api.close();
  }

  #listed(): ListedPod[] {
    return [...this.#known.values()]
      .filter(({ worker }) => worker.active)
      .map(({ pod: { metadata, spec } }) => ({
        name: metadata.name,
        namespace: metadata.namespace,
        uid: metadata.uid,
        containers: spec.containers.map(({ name }) => name),
      }));
  }

  async #run(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      await this.#attempt('list pods', () => this.#syncAll());
      await delay(POLL_MS);
    }
  }

  async #syncAll(): Promise<void> {
    const { items } = await this.#api.call<{ items: Pod[] }>({
      method: 'GET',
      path: `/api/v1/pods?fieldSelector=spec.nodeName%3D${this.node}`,
    });
    for (const pod of items) await this.#sync(pod);
    const present = new Set(items.map(({ metadata }) => metadata.uid));
    for (const [uid, { pod, worker }] of this.#known) {
      if (present.has(uid)) continue;
      await this.#attempt(`forget ${pod.metadata.name}`, () => worker.vanish());
      this.#known.delete(uid);
    }
  }

  async #sync(pod: Pod): Promise<void> {
    const { uid, name } = pod.metadata;
    const known = this.#known.get(uid) ?? { pod, worker: this.#worker(name) };
    known.pod = pod;
    this.#known.set(uid, known);
    await this.#attempt(`sync ${name}`, () => known.worker.sync(pod));
  }

  #worker(name: string): PodWorker {
    return new PodWorker({
      api: this.#api,
      pool: this.#pool,
      workloads: this.#workloads,
      log: (what) => this.#note(`${name}: ${what}`),
    });
  }

  /** An outage of the API server or of the emulator is waited out. */
  async #attempt(what: string, step: () => Promise<void>): Promise<void> {
    try {
      await step();
    } catch (error) {
      if (!isGone(error)) this.#note(`${what}: ${String(error)}`);
    }
  }

  #note(line: string): void {
    this.history.push(`${new Date().toISOString()} ${this.node} ${line}`);
  }
}
