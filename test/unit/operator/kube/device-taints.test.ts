import { afterEach, beforeEach, expect, test } from '@jest/globals';
import type { InventoryDevice } from '@transship/crds';
import { DeviceTaints } from '@transship/operator/internal/kube/device-taints';
import { KubeTransport } from '@transship/operator/internal/kube/transport';
import { FakeApi, failureStatus, sendJson } from '../support/fake-api.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { RecordLog } from '../support/record-log.ts';

/** A cluster that serves the rules, as a fake: what the API server makes of them is seen in test/cluster. */

let api: FakeApi;
let versions: string[];
let slices: object[];
let rules: Map<string, { metadata: { name: string } }>;
let taints: DeviceTaints;

const GROUP = '/apis/resource.k8s.io';
const signal = (): AbortSignal => AbortSignal.timeout(60_000);

function sliceOf(device: string, address: string): object {
  const attributes = {
    'resource.kubernetes.io/pciBusID': { string: address },
    'resource.kubernetes.io/x': { int: 1 },
  };
  return {
    spec: {
      driver: 'gpu.example.com',
      pool: { name: 'gpu-a' },
      devices: [{ name: device, attributes }, { name: 'plain' }],
    },
  };
}

const withheld: InventoryDevice = {
  id: 'gpu-a/0',
  driver: 'mlx5_vfio_pci',
  pciAddress: '0000:3b:00.1',
  health: 'Quarantined',
  quarantine: { code: 'ResetFailed', since: '2030-01-01T00:00:00Z', remedy: 'Reset it.' },
};
const healthy: InventoryDevice = { id: 'gpu-a/0', driver: 'mlx5_vfio_pci', health: 'Healthy' };

/** Makes the rules of one node be what its devices need, from a list of its own. */
async function settle(node: string, devices: readonly InventoryDevice[]): Promise<void> {
  const listed = await taints.rules(signal());
  if (listed !== null) await taints.settle(listed, node, devices, signal());
}

beforeEach(async () => {
  api = await FakeApi.start();
  versions = ['v1', 'v1beta2'];
  slices = [sliceOf('gpu-0', '0000:3b:00.1'), sliceOf('gpu-1', '0000:5e:00.1')];
  rules = new Map();
  api.answer = (response, { method, url, body }) => {
    const path = url.pathname;
    const name = /devicetaintrules\/(.+)$/.exec(path)?.[1];
    if (versions.length === 0) sendJson(response, 404, failureStatus(404, 'NotFound'));
    else if (path === GROUP) sendJson(response, 200, { versions: versions.map((version) => ({ version })) });
    else if (path === `${GROUP}/v1`) sendJson(response, 200, { resources: [{ name: 'resourceslices' }] });
    else if (path === `${GROUP}/v1beta2`)
      sendJson(response, 200, { resources: [{ name: 'devicetaintrules' }] });
    else if (path === `${GROUP}/v1/resourceslices`) sendJson(response, 200, { metadata: {}, items: slices });
    else if (method === 'DELETE' && name !== undefined) {
      rules.delete(name);
      sendJson(response, 200, {});
    } else if (method === 'POST') {
      const rule = JSON.parse(body) as { metadata: { name: string } };
      rules.set(rule.metadata.name, rule);
      sendJson(response, 201, rule);
    } else sendJson(response, 200, { metadata: {}, items: [...rules.values()] });
  };
  taints = new DeviceTaints(new KubeTransport(api.kubeConfig), new ManualClock(), new RecordLog());
});

afterEach(() => api[Symbol.asyncDispose]());

test('a device in quarantine is tainted in the newest version that is served, until the quarantine ends', async () => {
  await settle('gpu-a', [withheld]);
  expect([...rules.values()]).toMatchObject([
    {
      apiVersion: 'resource.k8s.io/v1beta2',
      kind: 'DeviceTaintRule',
      metadata: { annotations: { 'transship.dev/node': 'gpu-a', 'transship.dev/device': 'gpu-a/0' } },
      spec: {
        deviceSelector: { driver: 'gpu.example.com', pool: 'gpu-a', device: 'gpu-0' },
        taint: { key: 'transship.dev/quarantined', value: 'ResetFailed', effect: 'NoSchedule' },
      },
    },
  ]);
  await settle('gpu-a', [withheld]);
  expect(rules.size).toBe(1);
  expect(api.received.filter(({ method }) => method === 'POST')).toHaveLength(1);
  await settle('gpu-b', []);
  expect(rules.size).toBe(1);
  await settle('gpu-a', [healthy]);
  expect(rules.size).toBe(0);
});

test('a rule stays while the driver publishes nothing, and follows the device when it is published anew', async () => {
  await settle('gpu-a', [withheld]);
  slices = [];
  await settle('gpu-a', [withheld]);
  expect(rules.size).toBe(1);
  slices = [sliceOf('gpu-7', '0000:3b:00.1')];
  await settle('gpu-a', [withheld]);
  expect([...rules.values()]).toMatchObject([{ spec: { deviceSelector: { device: 'gpu-7' } } }]);
});

test('a rule under our label that names no node is not ours', async () => {
  rules.set('theirs', { metadata: { name: 'theirs' } });
  expect((await taints.rules(signal()))?.all).toEqual([]);
  await settle('', []);
  expect([...rules.keys()]).toEqual(['theirs']);
});

test('a device without an address, or of no DRA driver, is left to the condition of its node', async () => {
  const { pciAddress, ...nameless } = withheld;
  expect(pciAddress).toBe('0000:3b:00.1');
  await settle('gpu-a', [nameless, { ...withheld, id: 'gpu-a/1', pciAddress: '0000:00:01.0' }]);
  expect(rules.size).toBe(0);
});

test.each([
  ['no such group', []],
  ['no rules', ['v1']],
])('a cluster that serves %s is asked once and left alone', async (_name, served) => {
  versions = served;
  await settle('gpu-a', [withheld]);
  const asked = api.received.length;
  await settle('gpu-a', [withheld]);
  expect(api.received).toHaveLength(asked);
  expect(rules.size).toBe(0);
});
