import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { KubeConfig } from '@kubernetes/client-node';
import { systemClock } from '@transship/operator/internal/clock';
import { KubeMigrationStore } from '@transship/operator/internal/kube/store';
import { KubeTransport } from '@transship/operator/internal/kube/transport';
import type {
  MigrationKey,
  StoredMigration,
  WriteOutcome,
} from '@transship/operator/internal/reconcile/ports';

import { clusterAssets } from '../rig/assets.ts';
import { ControlPlane } from '../rig/control-plane.ts';

const CRDS = join(import.meta.dirname, '..', '..', '..', 'crds');

/** Building the programs of the rig takes minutes when the cache is cold. */
export const START_DEADLINE_MS = 90 * 60_000;

/** A log that nobody reads. */
export const silent = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

/** A control plane with both kinds installed, in a folder of its own. */
export class Cluster {
  readonly controlPlane: ControlPlane;
  /** Goes away with the cluster. */
  readonly folder: string;

  private constructor(controlPlane: ControlPlane, folder: string) {
    this.controlPlane = controlPlane;
    this.folder = folder;
  }

  static async start(): Promise<Cluster> {
    const assetsDir = await clusterAssets();
    const folder = await mkdtemp(join(tmpdir(), 'transship-adapters-'));
    const controlPlane = await ControlPlane.start({ assetsDir, workDir: join(folder, 'control-plane') });
    const cluster = new Cluster(controlPlane, folder);
    for (const kind of ['devicemigrations', 'nodedeviceinventories']) {
      await cluster.kubectl(['apply', '-f', join(CRDS, `${kind}.yaml`)]);
      await cluster.kubectl([
        'wait',
        '--for=condition=Established',
        '--timeout=60s',
        `crd/${kind}.transship.dev`,
      ]);
    }
    return cluster;
  }

  async stop(): Promise<void> {
    await this.controlPlane.stop();
    await rm(this.folder, { recursive: true, force: true });
  }

  /** Output of a kubectl that must succeed and warn of nothing. */
  async kubectl(args: readonly string[], input = ''): Promise<string> {
    const { code, stdout, stderr } = await this.controlPlane.run('kubectl', args, { input });
    if (code !== 0 || stderr !== '')
      throw new Error(`kubectl ${args.join(' ')}: exit code ${code}: ${stderr}`);
    return stdout;
  }

  /** Credentials that may do anything. */
  get adminConfig(): KubeConfig {
    const kubeConfig = new KubeConfig();
    kubeConfig.loadFromFile(this.controlPlane.kubeconfig);
    return kubeConfig;
  }

  async createMigration(name: string): Promise<MigrationKey> {
    const spec = {
      source: { nodeName: 'gpu-a', devices: ['gpu-a/0', 'gpu-a/1'] },
      target: { nodeName: 'gpu-b' },
    };
    const body = { apiVersion: 'transship.dev/v1alpha1', kind: 'DeviceMigration', metadata: { name }, spec };
    await this.kubectl(['create', '--validate=strict', '-f', '-'], JSON.stringify(body));
    return { namespace: 'default', name };
  }
}

/** A store with a connection pool of its own. */
export function storeFor(kubeConfig: KubeConfig, deadlineMs?: number): KubeMigrationStore {
  return new KubeMigrationStore(new KubeTransport(kubeConfig), systemClock, deadlineMs);
}

/** @throws when the object is not there. */
export async function read(store: KubeMigrationStore, key: MigrationKey): Promise<StoredMigration> {
  const stored = await store.get(key, AbortSignal.timeout(90_000));
  if (stored === null) throw new Error(`${key.name} is not there`);
  return stored;
}

/** @throws unless the write was done. */
export function written(outcome: WriteOutcome): StoredMigration {
  if (outcome.kind !== 'written') throw new Error(`the write ended as ${outcome.kind}`);
  return outcome.stored;
}

/** @throws when the check is not true in time. */
export async function expectEventually(
  check: () => boolean | Promise<boolean>,
  deadlineMs = 90_000,
): Promise<void> {
  const deadline = performance.now() + deadlineMs;
  while (!(await check())) {
    if (performance.now() > deadline)
      throw new Error(`not true within ${deadlineMs} ms: ${check.toString()}`);
    await sleep(50);
  }
}
