/** Has one migration run on a cluster, and collects what became of the cluster meanwhile. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Evidence } from '../evidence.ts';
import { connectionsOf } from '../rig/descriptors.ts';
import type { FaultRig } from '../rig/fault-rig.ts';
import type { Cluster } from './cluster.ts';
import { commandersOf } from './commanders.ts';
import type { ClusterFacts } from './facts.ts';
import { Kubelet } from './kubelet.ts';

/** A Lease is taken over 15 s after its last renewal, and connections are given up by and by. */
const LINGER_MS = 90_000;
const PAUSE_MS = 200;
/** Two watches, four idle ones, and what is under way. */
const MOST_CONNECTIONS = 10;
/** The other side has closed, this one has not. */
const CLOSE_WAIT = 'state 08';

/** Without a cluster: the migration alone. */
export async function onCluster(rig: FaultRig, run: () => Promise<Evidence>): Promise<Evidence> {
  const { cluster } = rig;
  if (cluster === null) return run();
  cluster.forget();
  await using _kubelet = new Kubelet(rig, cluster);
  const evidence = await run();
  const facts = await factsOf(rig, cluster);
  const { outages, operatorEnds } = cluster;
  return { ...evidence, cluster: { ...facts, operatorEnds: [...operatorEnds], outages: [...outages] } };
}

/** Asked again until all is as it should be, or has lingered for too long. */
async function factsOf(
  rig: FaultRig,
  cluster: Cluster,
): Promise<Omit<ClusterFacts, 'operatorEnds' | 'outages'>> {
  const until = Date.now() + LINGER_MS;
  for (;;) {
    const operator = instanceOf(await rig.operator.log());
    const leaseHolder = (await cluster.lease())?.holder ?? null;
    const connections = rig.operator.running ? await tooManyConnections(rig, cluster) : [];
    const otherLeases = await cluster.otherLeases();
    const strays = await cluster.strays(rig.operator);
    const left = connections.length + otherLeases.length + strays.length;
    if ((leaseHolder === operator && left === 0) || Date.now() > until) {
      const commanders = commandersOf(await rig.operatorLog());
      return { operator, leaseHolder, otherLeases, strays, connections, commanders };
    }
    await delay(PAUSE_MS);
  }
}

const instanceOf = (log: string): string =>
  /"instance":"([^"]+)"/u.exec(log)?.[1] ?? 'an operator without a log';

async function tooManyConnections(rig: FaultRig, { plane }: Cluster): Promise<string[]> {
  const port = new URL(plane.url).port;
  const all = await connectionsOf(rig.operator.pid).catch(() => []);
  const open = all.filter((one) => one.includes(`to ${port} `));
  const halfOpen = open.filter((one) => one.endsWith(CLOSE_WAIT));
  return [
    ...halfOpen.map((one) => `connection to the API server ${one}`),
    ...(open.length > MOST_CONNECTIONS ? [`${open.length} connections to the API server`] : []),
  ];
}
