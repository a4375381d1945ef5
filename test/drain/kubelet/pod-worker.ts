import type { Api } from './api.ts';
import { type Allocation, type DevicePool, NoDevices } from './device-pool.ts';
import { isIncoming, isTerminal, type Pod } from './pod.ts';
import { type ContainerState, refusedStatus, statusOf } from './pod-status.ts';
import type { Workloads } from './workload.ts';

/** Exit codes of a process that a signal ended: 128 and its number. */
const TERMINATED = 143;
const KILLED = 137;
const DEFAULT_GRACE_SECONDS = 30;

export interface WorkerOptions {
  readonly api: Api;
  readonly pool: DevicePool;
  readonly workloads: Workloads;
  /** Told what happens to the pod. */
  readonly log: (what: string) => void;
}

/** Life of one pod on its node, from its binding to its end. Told again and again how the pod stands in the API. */
export class PodWorker {
  readonly #options: WorkerOptions;
  #stage: 'new' | 'starting' | 'running' | 'ended' = 'new';
  #allocation: Allocation | null = null;
  #startedAt = new Date();
  #restarts = 0;
  #ready = false;
  #graceEndsAt: number | null = null;
  #exitCode: number | null = null;

  constructor(options: WorkerOptions) {
    this.#options = options;
  }

  /** It has not ended, so it is among the pods that hold something. */
  get active(): boolean {
    return this.#stage !== 'ended';
  }

  /** Its process is going to end by itself with this code at the next look. */
  exit(code: number): void {
    this.#exitCode = code;
  }

  /** One step towards what the API says. @throws what the API and the emulator throw; the next call tries again */
  async sync(pod: Pod): Promise<void> {
    if (pod.metadata.deletionTimestamp !== undefined) return this.#terminate(pod);
    if (isTerminal(pod)) return this.#end();
    switch (this.#stage) {
      case 'new':
        return this.#admit(pod);
      case 'starting':
        return this.#start(pod);
      case 'running':
        return this.#watch(pod);
      case 'ended':
        return undefined;
    }
  }

  /** The pod is not in the API any more, as after a forced deletion. */
  async vanish(): Promise<void> {
    if (this.#allocation !== null) await this.#options.workloads.kill(this.#allocation);
    await this.#end();
  }

  async #admit(pod: Pod): Promise<void> {
    const { pool, log } = this.#options;
    try {
      this.#allocation = pool.allocate(pod);
    } catch (error) {
      if (!(error instanceof NoDevices)) throw error;
      log(`refused: ${error.message}`);
      await this.#patchStatus(pod, refusedStatus(pod, error.message));
      return this.#end();
    }
    const group = this.#allocation?.group;
    log(group === undefined ? 'admitted' : `has the devices of group ${group}`);
    this.#stage = 'starting';
    return this.#start(pod);
  }

  async #start(pod: Pod): Promise<void> {
    const { workloads, log } = this.#options;
    if (this.#allocation !== null && !isIncoming(pod)) {
      if (!(await workloads.begin(this.#allocation))) return;
      log('its workload begins');
    }
    this.#startedAt = new Date();
    this.#stage = 'running';
    this.#ready = false;
    await this.#report(pod, { kind: 'running', ready: false });
    return this.#watch(pod);
  }

  async #watch(pod: Pod): Promise<void> {
    const { workloads, log } = this.#options;
    const state = this.#allocation === null ? 'at work' : await workloads.state(this.#allocation);
    if (this.#exitCode !== null || state === 'ended') {
      const code = this.#exitCode ?? 0;
      if (this.#allocation !== null) await workloads.kill(this.#allocation);
      this.#exitCode = null;
      log(`its process ended with ${code}`);
      return this.#exited(pod, code);
    }
    if (state === 'at work' && !this.#ready) {
      await this.#report(pod, { kind: 'running', ready: true });
      this.#ready = true;
      log('ready');
    }
  }

  async #exited(pod: Pod, exitCode: number): Promise<void> {
    const policy = pod.spec.restartPolicy ?? 'Always';
    if (policy === 'Always' || (policy === 'OnFailure' && exitCode !== 0)) {
      this.#restarts += 1;
      this.#stage = 'starting';
      return;
    }
    await this.#report(pod, { kind: 'terminated', exitCode });
    await this.#end();
  }

  async #terminate(pod: Pod): Promise<void> {
    const exitCode = this.#stage === 'ended' ? null : await this.#stop(pod);
    if (exitCode === 'later') return;
    if (exitCode !== null) {
      this.#options.log(`stopped with ${exitCode}`);
      if (!isTerminal(pod)) await this.#report(pod, { kind: 'terminated', exitCode });
      await this.#end();
    }
    const { uid } = pod.metadata;
    const body = { kind: 'DeleteOptions', apiVersion: 'v1', gracePeriodSeconds: 0, preconditions: { uid } };
    await this.#options.api.call({ method: 'DELETE', path: pathOf(pod), body });
  }

  /** A process that stands frozen hears no signal; only the end of its grace period, or its own end, is the end of it. */
  async #stop(pod: Pod): Promise<number | 'later'> {
    if (this.#allocation === null) return TERMINATED;
    const { workloads } = this.#options;
    const state = await workloads.state(this.#allocation);
    const { deletionGracePeriodSeconds: grace = DEFAULT_GRACE_SECONDS } = pod.metadata;
    this.#graceEndsAt ??= Date.now() + grace * 1_000;
    if (state === 'ended') return 0;
    const deaf = state === 'frozen' || state === 'waiting';
    if (deaf && Date.now() < this.#graceEndsAt) return 'later';
    await workloads.kill(this.#allocation);
    return deaf ? KILLED : TERMINATED;
  }

  #end(): Promise<void> {
    if (this.#allocation !== null) this.#options.pool.free(this.#allocation.pod.uid);
    this.#allocation = null;
    this.#stage = 'ended';
    return Promise.resolve();
  }

  #report(pod: Pod, state: ContainerState): Promise<unknown> {
    const report = { state, startedAt: this.#startedAt, restarts: this.#restarts };
    return this.#patchStatus(pod, statusOf(pod, report));
  }

  #patchStatus(pod: Pod, body: unknown): Promise<unknown> {
    const contentType = 'application/strategic-merge-patch+json';
    return this.#options.api.call({ method: 'PATCH', path: `${pathOf(pod)}/status`, contentType, body });
  }
}

const pathOf = ({ metadata: { namespace, name } }: Pod): string =>
  `/api/v1/namespaces/${namespace}/pods/${name}`;
