import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { eventually } from '../support/managed-process.ts';
import { DrainCluster } from './rig/cluster.ts';
import { drained } from './rig/drained.ts';
import { getObject, PATIENCE_MS, START_DEADLINE_MS } from './rig/plane.ts';
import { barePod } from './rig/pods.ts';
import { clearOpted, OPTED_IN, podsOf, readyPodOn } from './rig/scene.ts';

interface Inventory {
  readonly status: {
    readonly devices: readonly { readonly id: string; readonly pod?: { readonly name: string } }[];
  };
}

const CASE_DEADLINE_MS = 600_000;

let cluster: DrainCluster;

beforeAll(async () => {
  cluster = await DrainCluster.start({ nodes: ['gpu-a', 'gpu-b'], groups: 2 });
}, START_DEADLINE_MS);

afterAll(() => cluster[Symbol.asyncDispose]());

afterEach(() => clearOpted(cluster));

/** Which pods the inventory of the node names for its devices, once that is as wanted; empty: nobody. */
async function holdersOn(node: string, wanted: readonly string[]): Promise<readonly string[]> {
  let last: readonly string[] = [];
  await eventually(`the inventory of ${node}`, PATIENCE_MS, async () => {
    const found = await getObject<Inventory>(cluster.plane, 'nodedeviceinventory', node);
    last = found?.status.devices.map(({ pod }) => pod?.name ?? '') ?? [];
    return last.join() === wanted.join() ? true : null;
  }).catch(() => null);
  return last;
}

async function expectHolders(node: string, wanted: readonly string[]): Promise<void> {
  expect(await holdersOn(node, wanted)).toEqual(wanted);
}

test(
  'agents learn from their kubelets which pods have which devices, and when they have them no more',
  async () => {
    await readyPodOn(cluster, 'gpu-a', barePod('one'));
    await readyPodOn(cluster, 'gpu-a', barePod('two'));
    await expectHolders('gpu-a', ['one', 'one', 'two', 'two']);
    await expectHolders('gpu-b', ['', '', '', '']);
    await cluster.kubectl(['delete', 'pod', 'one', '--timeout=150s']);
    expect(await holdersOn('gpu-a', ['', '', 'two', 'two'])).toEqual(['', '', 'two', 'two']);
  },
  CASE_DEADLINE_MS,
);

test(
  'a pod that has not opted in is evicted as everywhere, and nobody makes a migration of it',
  async () => {
    const { group } = await readyPodOn(cluster, 'gpu-a', barePod('left'));
    const { code, log } = await drained(await cluster.drain('gpu-a'));
    expect({ code, log }).toMatchObject({ code: 0, log: expect.stringContaining('node/gpu-a drained') });
    expect(await podsOf(cluster)).toEqual([]);
    expect(await cluster.kubectl(['get', 'dmig', '-o', 'name'])).toBe('');
    expect(await cluster.node('gpu-a').emulator.control.workload(group)).toMatchObject({ phase: 'Ended' });
  },
  CASE_DEADLINE_MS,
);

test(
  'a dry run of a drain says that a pod would be moved, and moves nothing',
  async () => {
    const { group } = await readyPodOn(cluster, 'gpu-a', barePod('kept', OPTED_IN));
    const { control } = cluster.node('gpu-a').emulator;
    const { freezes } = await control.workload(group);
    const { code, log } = await drained(await cluster.drain('gpu-a', '--dry-run=server'));
    expect({ code, log }).toMatchObject({ code: 0, log: expect.stringContaining('would be moved') });
    expect(await cluster.kubectl(['get', 'dmig', '-o', 'name'])).toBe('');
    expect(await control.workload(group)).toMatchObject({ phase: 'Live', frozen: false, freezes });
  },
  CASE_DEADLINE_MS,
);
