import { MIGRATE_ON_DRAIN_LABEL } from '@transship/crds';
import { eventually } from '../../support/managed-process.ts';
import type { DrainCluster } from './cluster.ts';
import { GROUP_SIZE } from './node.ts';
import { create, getObject, PATIENCE_MS } from './plane.ts';

export const OPTED_IN = { [MIGRATE_ON_DRAIN_LABEL]: 'true' };

interface Pod {
  readonly metadata: { readonly name: string; readonly uid: string };
  readonly spec: { readonly nodeName?: string };
  readonly status: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] };
}

/** A pod with devices that is ready on its node. */
export interface Placed {
  readonly name: string;
  readonly uid: string;
  /** Of the node's emulator. */
  readonly group: number;
  /** Indexes of its devices there. */
  readonly devices: readonly [number, ...number[]];
}

/** All pods of the namespace of the tests. */
export const podsOf = async (cluster: DrainCluster): Promise<readonly Pod[]> =>
  (await getObject<{ items: Pod[] }>(cluster.plane, 'pods', '-n', 'default'))?.items ?? [];

export const isReady = ({ status }: Pod): boolean =>
  status.conditions?.some(({ type, status: holds }) => type === 'Ready' && holds === 'True') === true;

/** Creates what makes one more pod, and waits until that is ready. It comes to this node, since no other takes any. */
export async function readyPodOn(cluster: DrainCluster, node: string, object: unknown): Promise<Placed> {
  const others = cluster.nodes.map(({ name }) => name).filter((name) => name !== node);
  const before = new Set((await podsOf(cluster)).map(({ metadata }) => metadata.uid));
  for (const other of others) await cluster.kubectl(['cordon', other]);
  await create(cluster.plane, object);
  const { metadata } = await eventually('the pod is ready', PATIENCE_MS, async () => {
    const found = (await podsOf(cluster)).find((pod) => !before.has(pod.metadata.uid) && isReady(pod));
    return found ?? null;
  });
  for (const other of others) await cluster.kubectl(['uncordon', other]);
  const group = cluster.node(node).kubelet.groupOf(metadata.uid);
  if (group === null) throw new Error(`${metadata.name} is not on ${node}`);
  const first = group * GROUP_SIZE;
  const rest = Array.from({ length: GROUP_SIZE - 1 }, (_, index) => first + 1 + index);
  return { name: metadata.name, uid: metadata.uid, group, devices: [first, ...rest] };
}

/** Takes everything away that a test has made, so that the next one finds idle nodes. */
export async function clearOpted(cluster: DrainCluster): Promise<void> {
  for (const { name, emulator } of cluster.nodes) {
    await cluster.kubectl(['uncordon', name]);
    for (const { index } of await emulator.control.devices()) await emulator.control.clear(index);
  }
  await cluster.kubectl(['delete', 'deployments,statefulsets,replicasets,jobs', '--all', '-n', 'default']);
  await cluster.kubectl(['delete', 'dmig', '--all', '-n', 'default', '--timeout=110s']);
  await cluster.kubectl(['delete', 'pods', '--all', '-n', 'default', '--timeout=110s']);
}
