import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { KubeConfig } from '@kubernetes/client-node';
import type { InventoryDevice } from '@transship/crds';
import { systemClock } from '@transship/operator/internal/clock';
import { NodeHealth } from '@transship/operator/internal/kube/node-health';
import { KubeNodeTaints } from '@transship/operator/internal/kube/node-taints';
import { KubeTransport } from '@transship/operator/internal/kube/transport';
import { installRelease, kubectl } from '../../support/kube-release.ts';
import { clusterAssets } from '../rig/assets.ts';
import { ControlPlane } from '../rig/control-plane.ts';
import { expectEventually, silent, START_DEADLINE_MS } from './cluster.ts';

/** With the rights that the chart gives the operator, and none beside. */

let folder: string;
let plane: ControlPlane;
let transport: KubeTransport;
let end: AbortController;

beforeAll(async () => {
  const assetsDir = await clusterAssets();
  folder = await mkdtemp(join(tmpdir(), 'ts-node-health-'));
  plane = await ControlPlane.start({
    assetsDir,
    workDir: join(folder, 'plane'),
    // Off by default in this version.
    apiServerArgs: [
      '--feature-gates=DRADeviceTaintRules=true',
      '--runtime-config=resource.k8s.io/v1beta2=true',
    ],
  });
  const { operatorKubeconfig } = await installRelease(plane, ['gpu-a', 'gpu-b']);
  const kubeConfig = new KubeConfig();
  kubeConfig.loadFromFile(operatorKubeconfig);
  transport = new KubeTransport(kubeConfig);
}, START_DEADLINE_MS);

afterAll(async () => {
  transport.close();
  await plane.stop();
  await rm(folder, { recursive: true, force: true });
});

beforeEach(() => {
  end = new AbortController();
});

afterEach(() => {
  end.abort();
});

interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason: string;
  readonly message: string;
  readonly lastTransitionTime: string;
}

async function conditionsOf(node: string): Promise<Condition[]> {
  const text = await kubectl(plane, ['get', 'node', node, '-o', 'json']);
  return (JSON.parse(text) as { status: { conditions?: Condition[] } }).status.conditions ?? [];
}

const own = async (node: string): Promise<Condition | undefined> =>
  (await conditionsOf(node)).find(({ type }) => type === 'TransshipDevicesHealthy');

const withheld: InventoryDevice = {
  id: 'gpu-a/0',
  driver: 'mlx5_vfio_pci',
  health: 'Quarantined',
  reason: 'VFIO_DEVICE_RESET: EIO',
  quarantine: { code: 'ResetFailed', since: '2030-01-01T00:00:00Z', remedy: 'Reset it.' },
};
const healthy: InventoryDevice = { id: 'gpu-a/0', driver: 'mlx5_vfio_pci', health: 'Healthy' };

test('a node says which device is in quarantine, beside what the kubelet says, until it is over', async () => {
  const ready = { type: 'Ready', status: 'True', reason: 'KubeletReady', message: 'fine' };
  const patch = JSON.stringify({ status: { conditions: [ready] } });
  await kubectl(plane, ['patch', 'node', 'gpu-a', '--subresource=status', '--type=strategic', '-p', patch]);

  const devices = new Map<string, readonly InventoryDevice[]>([['gpu-a', [withheld]]]);
  const health = new NodeHealth(transport, systemClock, silent, 'operator-of-the-test', devices);
  void health.run(end.signal);
  await expectEventually(async () => (await own('gpu-a'))?.status === 'False');
  expect(await own('gpu-a')).toMatchObject({
    reason: 'Quarantined',
    message: 'In quarantine: gpu-a/0 (ResetFailed, since 2030-01-01T00:00:00Z, VFIO_DEVICE_RESET: EIO).',
  });
  expect((await conditionsOf('gpu-a')).map(({ type }) => type).toSorted()).toEqual([
    'Ready',
    'TransshipDevicesHealthy',
  ]);
  expect(await own('gpu-b')).toBeUndefined();

  devices.set('gpu-a', [healthy]);
  health.changed('gpu-a');
  await expectEventually(async () => (await own('gpu-a'))?.status === 'True');

  await expectEventually(async () => {
    const described = await kubectl(plane, ['describe', 'node', 'gpu-a']);
    return described.includes('VFIO_DEVICE_RESET: EIO') && described.includes('NoQuarantine');
  });
});

test('a node with the out-of-service taint is read as shut down, another one is not', async () => {
  const taints = new KubeNodeTaints(transport, silent);
  const isOut = (node: string) => taints.isOutOfService(node, AbortSignal.timeout(90_000));
  expect(await isOut('gpu-b')).toBe(false);
  const taint = 'node.kubernetes.io/out-of-service=nodeshutdown:NoExecute';
  await kubectl(plane, ['taint', 'node', 'gpu-b', taint]);
  expect(await isOut('gpu-b')).toBe(true);
  expect(await isOut('gpu-a')).toBe(false);
  await kubectl(plane, ['taint', 'node', 'gpu-b', `${taint}-`]);
  expect(await isOut('gpu-b')).toBe(false);
  expect(await isOut('gpu-nowhere')).toBe(false);
});

test('a DRA device is tainted while it is in quarantine', async () => {
  const attributes = { 'resource.kubernetes.io/pciBusID': { string: '0000:3b:00.1' } };
  const slice = {
    apiVersion: 'resource.k8s.io/v1',
    kind: 'ResourceSlice',
    metadata: { name: 'gpu-b-gpus' },
    spec: {
      driver: 'gpu.example.com',
      nodeName: 'gpu-b',
      pool: { name: 'gpu-b', generation: 1, resourceSliceCount: 1 },
      devices: [{ name: 'gpu-0', attributes }, { name: 'gpu-1' }],
    },
  };
  await kubectl(plane, ['create', '-f', '-'], JSON.stringify(slice));
  const rules = async (): Promise<{ spec: object }[]> => {
    const text = await kubectl(plane, ['get', 'devicetaintrules', '-o', 'json']);
    return (JSON.parse(text) as { items: { spec: object }[] }).items;
  };
  const addressed = { ...withheld, id: 'gpu-b/0', pciAddress: '0000:3b:00.1' };
  const devices = new Map<string, readonly InventoryDevice[]>([['gpu-b', [addressed]]]);
  const health = new NodeHealth(transport, systemClock, silent, 'operator-of-the-test', devices);
  void health.run(end.signal);
  await expectEventually(async () => (await rules()).length === 1);
  expect(await rules()).toMatchObject([
    {
      spec: {
        deviceSelector: { driver: 'gpu.example.com', pool: 'gpu-b', device: 'gpu-0' },
        taint: { key: 'transship.dev/quarantined', value: 'ResetFailed', effect: 'NoSchedule' },
      },
    },
  ]);
  devices.set('gpu-b', [{ ...healthy, id: 'gpu-b/0', pciAddress: '0000:3b:00.1' }]);
  health.changed('gpu-b');
  await expectEventually(async () => (await rules()).length === 0);
});
