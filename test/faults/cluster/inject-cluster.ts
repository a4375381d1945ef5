/** Faults of the control plane, and of the Lease that leaders hold. */
import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { eventually, type ManagedProcess } from '../../support/managed-process.ts';
import type { Injection, Proof, Scene } from '../injection.ts';
import type { FaultRig } from '../rig/fault-rig.ts';
import type { Cluster } from './cluster.ts';
import type { ClusterFault } from './cluster-faults.ts';
import type { Outage } from './facts.ts';

const PATIENCE_MS = 180_000;
/** Longer than an operator waits for any answer about a record, and than it leads without having renewed its Lease. */
const STALL_MS = 12_000;

const NO_PROOF: Proof = { step: null, evidence: null };
/** What an operator says that finds the API server away, or without its etcd. */
const NOTICES = [
  '"msg":"lease was not taken or renewed"',
  '"msg":"watch ended, listing again"',
  '"msg":"leadership lost"',
];

const clusterOf = ({ rig }: Scene): Cluster => {
  if (rig.cluster === null) throw new Error('the rig has no cluster');
  return rig.cluster;
};

interface Strike {
  readonly outage: Omit<Outage, 'backAs' | 'kept'>;
  readonly step: Proof['step'];
  /** Times that operators had complained before. */
  readonly notices: number;
}

/** Strikes a program so that the operator finds it away, and has it come back when the migration has been let go. */
function outage(
  strike: (cluster: Cluster) => Promise<Strike['outage']>,
  /** Returns the process id of what answers now. */
  back: (cluster: Cluster) => Promise<number | undefined>,
): Injection {
  const strikes = new WeakMap<Scene, Strike>();
  return {
    when: () => 'held',
    strike: async (scene) => {
      const notices = noticesIn(await scene.rig.operatorLog());
      const step = await scene.watch.step();
      strikes.set(scene, { step, notices, outage: await strike(clusterOf(scene)) });
    },
    prove: async (scene) => {
      const found = strikes.get(scene);
      if (found === undefined) return NO_PROOF;
      const { step, outage: struck, notices } = found;
      await eventually('the operator finds the API server away', PATIENCE_MS, async () =>
        noticesIn(await scene.rig.operatorLog()) > notices ? true : null,
      );
      const { program, pid, signal } = struck;
      const how = signal === 'SIGKILL' ? 'ended by SIGKILL' : `stopped by ${signal}`;
      return {
        step,
        evidence: signal === null ? null : `${program} (pid ${pid}) ${how}; the operator noticed`,
      };
    },
    lift: async (scene) => {
      const found = strikes.get(scene);
      if (found === undefined) return;
      const cluster = clusterOf(scene);
      const pid = (await back(cluster)) ?? null;
      const kept = (await cluster.uidOf(scene.watch.name)) === scene.watch.uid;
      cluster.outages.push({ ...found.outage, backAs: pid, kept });
    },
  };
}

const noticesIn = (log: string): number =>
  NOTICES.reduce((total, notice) => total + log.split(notice).length - 1, 0);

const apiKilled = outage(
  async ({ plane }) => {
    const killed = await plane.killApiServer();
    return { program: 'kube-apiserver', pid: killed?.pid ?? -1, signal: killed?.signal ?? null };
  },
  async ({ plane }) => {
    await plane.restartApiServer();
    return plane.apiServerPid;
  },
);

const etcdKilled = outage(
  async ({ plane }) => {
    const { pid, signal } = await plane.killEtcd();
    return { program: 'etcd', pid, signal };
  },
  async ({ plane }) => {
    await plane.restartEtcd();
    return plane.etcdPid;
  },
);

const apiStalled = outage(
  async ({ plane }) => {
    const pid = plane.apiServerPid ?? -1;
    plane.pauseApiServer();
    const stopped = await eventually('the API server stands still', PATIENCE_MS, async () =>
      (await stateOf(pid)) === 'T' ? true : null,
    );
    return { program: 'kube-apiserver', pid, signal: stopped ? 'SIGSTOP' : null };
  },
  async ({ plane }) => {
    await delay(STALL_MS);
    await plane.resumeApiServer();
    return plane.apiServerPid;
  },
);

/** The letter of a process's state behind its name, which may hold anything: T is stopped. */
async function stateOf(pid: number): Promise<string | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  return stat.slice(stat.lastIndexOf(')') + 2)[0];
}

/** The Lease goes while a second operator waits for it: one of the two makes it anew, and the other does nothing. */
function leaseDeleted(): Injection {
  const waiting = new WeakMap<FaultRig, ManagedProcess>();
  const scenes = new WeakMap<Scene, { former: ManagedProcess; next: ManagedProcess; proof: Proof }>();
  return {
    when: () => 'held',
    ready: async (rig) => {
      waiting.set(rig, await rig.startSecondOperator());
    },
    strike: async (scene) => {
      const { rig, watch } = scene;
      const cluster = clusterOf(scene);
      const former = rig.operator;
      const next = waiting.get(rig);
      if (next === undefined) throw new Error('no second operator waits for the Lease');
      for (const operator of [former, next]) cluster.retire(operator);
      const step = await watch.step();
      const before = await cluster.lease();
      await cluster.deleteLease();
      const now = await eventually('the Lease is there again', PATIENCE_MS, async () => {
        const lease = await cluster.lease().catch(() => null);
        return lease !== null && lease.uid !== before?.uid && lease.holder !== '' ? lease : null;
      });
      const proof = { step, evidence: `Lease ${before?.uid} became ${now.uid} of ${now.holder}` };
      scenes.set(scene, { former, next, proof });
    },
    prove: async (scene) => scenes.get(scene)?.proof ?? NO_PROOF,
    lift: async (scene) => {
      const found = scenes.get(scene);
      if (found === undefined) return;
      const { former, next } = found;
      const cluster = clusterOf(scene);
      const holder = (await cluster.lease())?.holder ?? '';
      const nextLeads = (await next.log()).includes(`"instance":"${holder}"`);
      if (nextLeads) {
        await eventually('the former leader ends', PATIENCE_MS, () => (former.running ? null : true));
        await cluster.noteEnd(former);
        scene.rig.succeed(next);
      } else await next.stop();
    },
  };
}

export const clusterFaults = {
  'api-killed': apiKilled,
  'etcd-killed': etcdKilled,
  'api-stalled': apiStalled,
  'lease-deleted': leaseDeleted(),
} as const satisfies Readonly<Record<ClusterFault, Injection>>;
