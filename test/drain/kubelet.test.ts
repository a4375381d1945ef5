import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import type { ControlPlane } from '../cluster/rig/control-plane.ts';
import { kubectl } from '../support/kube-release.ts';
import { eventually } from '../support/managed-process.ts';
import { listPodResources } from './kubelet/pod-resources.ts';
import { type DrainNode, startNode } from './rig/node.ts';
import { create, getObject, PATIENCE_MS, START_DEADLINE_MS, startPlane } from './rig/plane.ts';
import { appOf, barePod, jobOf } from './rig/pods.ts';

interface Pod {
  readonly metadata: { readonly name: string; readonly uid: string };
  readonly spec: { readonly nodeName?: string };
  readonly status: {
    readonly phase: string;
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
    readonly containerStatuses?: readonly { readonly restartCount: number }[];
  };
}

const stack = new AsyncDisposableStack();
let plane: ControlPlane;
let node: DrainNode;

beforeAll(async () => {
  const started = await startPlane(stack);
  ({ plane } = started);
  node = await startNode(stack, { plane, folder: started.folder, name: 'gpu-a', groups: 2, seed: 1 });
}, START_DEADLINE_MS);

afterAll(() => stack.disposeAsync());

afterEach(async () => {
  await kubectl(plane, ['delete', 'replicasets,jobs,pods', '--all', '--timeout=100s']).catch(
    (cause: unknown) => {
      throw new Error(node.kubelet.history.join('\n'), { cause });
    },
  );
});

const pods = async (): Promise<readonly Pod[]> =>
  (await getObject<{ items: Pod[] }>(plane, 'pods'))?.items ?? [];

/** As it is wanted, within a time that only ends a hang. */
const untilPods = (what: string, wanted: (found: readonly Pod[]) => boolean): Promise<readonly Pod[]> =>
  eventually(what, PATIENCE_MS, async () => {
    const found = await pods();
    return wanted(found) ? found : null;
  }).catch(async (cause: unknown) => {
    throw new Error(`${node.kubelet.history.join('\n')}\n${JSON.stringify(await pods(), null, 1)}`, {
      cause,
    });
  });

const isReady = ({ status }: Pod): boolean =>
  status.conditions?.some(({ type, status: holds }) => type === 'Ready' && holds === 'True') === true;

const workload = (group: number) => node.emulator.control.workload(group);

test('a pod of a ReplicaSet is scheduled, gets a group of devices that PodResources lists, and its deletion frees it', async () => {
  await create(plane, appOf('ReplicaSet', 'web', 1));
  const [pod] = await untilPods('a ready pod', (found) => found.length === 1 && found.every(isReady));
  expect(pod?.spec.nodeName).toBe('gpu-a');
  expect(await workload(0)).toMatchObject({ phase: 'Live', frozen: false });
  expect(await workload(1)).toMatchObject({ phase: 'Empty' });

  const listed = await listPodResources(node.podResources);
  expect(listed).toEqual([
    {
      name: pod?.metadata.name,
      namespace: 'default',
      containers: [
        {
          name: 'main',
          devices: [
            {
              resource_name: 'transship.dev/emulated',
              device_ids: ['0', '1'],
              topology: { nodes: [{ ID: 0 }] },
            },
          ],
        },
      ],
    },
  ]);

  await kubectl(plane, ['delete', 'replicaset', 'web', '--timeout=100s']);
  await untilPods('no pod', (found) => found.length === 0);
  expect(node.kubelet.allocations).toEqual([]);
  expect(await workload(0)).toMatchObject({ phase: 'Ended' });
  expect((await node.emulator.control.devices()).map(({ armed }) => armed)).toEqual([
    false,
    false,
    false,
    false,
  ]);
});

test('no two pods share a group, and a third one waits until one is free', async () => {
  await create(plane, barePod('one'), barePod('two'));
  await untilPods('two ready pods', (found) => found.filter(isReady).length === 2);
  await create(plane, barePod('three'));
  expect(new Set(node.kubelet.allocations.map(({ group }) => group))).toEqual(new Set([0, 1]));
  const sets = await Promise.all([workload(0), workload(1)]);
  expect(new Set(sets.map(({ cookie }) => cookie)).size).toBe(2);

  await untilPods('the third is unschedulable', (found) =>
    found.some(
      ({ metadata, status }) =>
        metadata.name === 'three' &&
        status.conditions?.some(({ type, status: holds }) => type === 'PodScheduled' && holds === 'False') ===
          true,
    ),
  );
  await kubectl(plane, ['delete', 'pod', 'one', '--timeout=100s']);
  const found = await untilPods('the third is ready', (all) => all.filter(isReady).length === 2);
  expect(found.map(({ metadata }) => metadata.name).sort()).toEqual(['three', 'two']);
});

test('a pod of a Job that ends by itself counts, once, and frees its devices', async () => {
  await create(plane, jobOf('train'));
  const [pod] = await untilPods('a ready pod', (found) => found.length === 1 && found.every(isReady));
  node.kubelet.exit(String(pod?.metadata.uid), 0);
  await kubectl(plane, ['wait', 'job/train', '--for=condition=Complete', '--timeout=150s']);
  const job = await getObject<{ status: unknown }>(plane, 'job', 'train');
  expect(job?.status).toMatchObject({ succeeded: 1 });
  expect(await pods()).toHaveLength(1);
  expect(node.kubelet.allocations).toEqual([]);
  const listed = await listPodResources(node.podResources);
  expect(listed).toEqual([]);
});

test('a pod that restarts always begins a workload anew after its process has ended', async () => {
  await create(plane, barePod('again'));
  const [pod] = await untilPods('a ready pod', (found) => found.length === 1 && found.every(isReady));
  const { cookie } = await workload(0);
  node.kubelet.exit(String(pod?.metadata.uid), 1);
  await untilPods('it was started again', (found) =>
    found.every((one) => isReady(one) && one.status.containerStatuses?.[0]?.restartCount === 1),
  );
  const second = await workload(0);
  expect(second).toMatchObject({ phase: 'Live', frozen: false });
  expect(second.cookie).not.toBe(cookie);
});

test('a pod whose process stands frozen is gone when that process was ended, and no sooner', async () => {
  await create(plane, barePod('frozen'));
  await untilPods('a ready pod', (found) => found.length === 1 && found.every(isReady));
  await node.emulator.control.ask('freeze', { group: 0 });
  await kubectl(plane, ['delete', 'pod', 'frozen', '--grace-period=3600', '--wait=false']);
  expect(await pods()).toHaveLength(1);
  expect(node.kubelet.allocations).toHaveLength(1);
  await node.emulator.control.ask('discard', { group: 0 });
  await untilPods('no pod', (found) => found.length === 0);
});
