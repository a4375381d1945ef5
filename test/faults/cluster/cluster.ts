/** A real kube-apiserver on a real etcd with the chart on it, started once for all cells that need one. */
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { GROUP, VERSION } from '@transship/crds';
import { clusterAssets } from '../../cluster/rig/assets.ts';
import { ControlPlane } from '../../cluster/rig/control-plane.ts';
import { installRelease, type Release } from '../../support/kube-release.ts';
import { eventually, type ManagedProcess } from '../../support/managed-process.ts';
import type { DoorOptions } from '../rig/door.ts';
import { folderPrefix } from '../rig/folders.ts';
import { ClusterDoor, migrationsIn } from './cluster-door.ts';
import type { OperatorEnd, Outage } from './facts.ts';
import { Objects } from './objects.ts';

const NODES = ['gpu-a', 'gpu-b'];
const LEASE = 'transship-operator';
const PATIENCE_MS = 120_000;

/** The leaders' Lease, as far as the matrix looks at it. */
export interface LeaderLease {
  readonly uid: string;
  /** Instance of an operator; empty: it was given back. */
  readonly holder: string;
}

export class Cluster implements AsyncDisposable {
  readonly plane: ControlPlane;
  readonly objects: Objects;
  /** What was done to programs of the control plane since {@link forget}. */
  readonly outages: Outage[] = [];
  /** Operators that ended by themselves since then. */
  readonly operatorEnds: OperatorEnd[] = [];
  readonly #retired = new Set<ManagedProcess>();
  readonly #folder: string;
  readonly #release: Release;
  #rigs = 0;

  private constructor(folder: string, plane: ControlPlane, release: Release) {
    this.#folder = folder;
    this.plane = plane;
    this.#release = release;
    this.objects = new Objects(plane.kubeconfig);
  }

  /** Builds what the cache lacks of the programs, which takes minutes the first time. */
  static async start(): Promise<Cluster> {
    const assetsDir = await clusterAssets();
    await using stack = new AsyncDisposableStack();
    const folder = await mkdtemp(folderPrefix('plane-'));
    stack.defer(() => rm(folder, { recursive: true, force: true }));
    const plane = stack.use(await ControlPlane.start({ assetsDir, workDir: join(folder, 'plane') }));
    const release = await installRelease(plane, NODES);
    stack.move();
    return new Cluster(folder, plane, release);
  }

  /** For the operators of one rig: a namespace of its own, and nothing left of the rig before it. */
  async door(options: DoorOptions): Promise<ClusterDoor> {
    this.#rigs += 1;
    await this.#clear();
    await this.objects.create('/api/v1/namespaces', {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: this.#namespace },
    });
    return new ClusterDoor(options, this.objects, this.#release, this.#namespace);
  }

  /** A new migration begins. */
  forget(): void {
    this.outages.length = 0;
    this.operatorEnds.length = 0;
    this.#retired.clear();
  }

  /** From now on its end is the test's doing: nobody notes it, nor starts it again. */
  retire(process: ManagedProcess): void {
    this.#retired.add(process);
  }

  isRetired(operator: ManagedProcess): boolean {
    return this.#retired.has(operator);
  }

  /** Takes down how an operator has ended by itself. */
  async noteEnd(operator: ManagedProcess): Promise<void> {
    if (this.operatorEnds.some(({ pid }) => pid === operator.pid)) return;
    const lost = (await operator.log()).includes('"msg":"leadership lost"');
    this.operatorEnds.push({ pid: operator.pid, exitCode: operator.exitCode ?? -1, lost });
  }

  /** UID of a migration of the newest rig; null when the API server, however often it is asked, knows none. */
  async uidOf(name: string): Promise<string | null> {
    const found = eventually('the migration is known', PATIENCE_MS, async () => {
      const object = await this.objects.get(migrationsIn(this.#namespace), name).catch(() => null);
      return (object as { metadata: { uid: string } } | null)?.metadata.uid ?? null;
    });
    return found.catch(() => null);
  }

  /** null: there is none. @throws when the API server does not say. */
  async lease(): Promise<LeaderLease | null> {
    const lease = (await this.objects.get(this.#leases, LEASE)) as {
      metadata: { uid: string };
      spec?: { holderIdentity?: string | null };
    } | null;
    return lease === null ? null : { uid: lease.metadata.uid, holder: lease.spec?.holderIdentity ?? '' };
  }

  deleteLease(): Promise<void> {
    return this.objects.remove(this.#leases, LEASE);
  }

  /** Names of all Leases beside that of the leaders. @throws when the API server does not say. */
  async otherLeases(): Promise<string[]> {
    const leases = (await this.objects.list(this.#leases)) as { metadata: { name: string } }[];
    return leases.map(({ metadata }) => metadata.name).filter((name) => name !== LEASE);
  }

  /** Writes down all migrations that the API server has, and copies the logs of its programs, to a folder that is there. */
  async keep(folder: string): Promise<void> {
    for (const name of (await readdir(this.#folder, { recursive: true })).filter((one) =>
      one.endsWith('.log'),
    ))
      await cp(join(this.#folder, name), join(folder, name));
    const all = await this.objects
      .list(`/apis/${GROUP}/${VERSION}/devicemigrations`)
      .catch((error: unknown) => `the API server does not say: ${(error as Error).message}`);
    await writeFile(join(folder, 'devicemigrations.json'), JSON.stringify(all, null, 2));
  }

  /** Programs that work in the folder of the control plane and are neither of its own nor this operator. */
  async strays(operator: ManagedProcess): Promise<string[]> {
    const known = new Set([...this.plane.pids, operator.pid]);
    const pids = (await readdir('/proc')).filter((name) => /^\d+$/u.test(name)).map(Number);
    const lines = await Promise.all(
      pids.map(async (pid) => ({
        pid,
        line: (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).replaceAll('\0', ' '),
      })),
    );
    return lines
      .filter(({ pid, line }) => line.includes(this.#folder) && !known.has(pid))
      .map(({ pid, line }) => `process ${pid}: ${line.slice(0, 120)}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.objects.close();
    await this.plane.stop();
    await rm(this.#folder, { recursive: true, force: true });
  }

  get #namespace(): string {
    return `rig-${this.#rigs}`;
  }

  get #leases(): string {
    return `/apis/coordination.k8s.io/v1/namespaces/${this.#release.namespace}/leases`;
  }

  /** What a rig that was thrown away has left: its operator was killed and lets go of nothing. */
  async #clear(): Promise<void> {
    await this.deleteLease();
    const all = `/apis/${GROUP}/${VERSION}/devicemigrations`;
    await eventually('nothing is left of the rig before', PATIENCE_MS, async () => {
      // The storage of a kind that was just defined, or of an API server that was just started, refuses at first.
      const left = await this.objects.list(all).catch(() => null);
      for (const { metadata } of (left ?? []) as { metadata: { namespace: string; name: string } }[]) {
        const place = migrationsIn(metadata.namespace);
        await this.objects.merge(place, metadata.name, { metadata: { finalizers: null } });
        await this.objects.remove(place, metadata.name);
      }
      return left?.length === 0 ? true : null;
    });
  }
}
