import { afterEach, beforeEach, expect, test } from '@jest/globals';
import type { InventoryDevice } from '@transship/crds';
import { NodeHealth } from '@transship/operator/internal/kube/node-health';
import { KubeTransport } from '@transship/operator/internal/kube/transport';
import { expectEventually } from '../support/eventually.ts';
import { FakeApi, failureStatus, sendJson, type Received } from '../support/fake-api.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { RecordLog } from '../support/record-log.ts';

let api: FakeApi;
let end: AbortController;
let log: RecordLog;
let clock: ManualClock;
let devices: Map<string, readonly InventoryDevice[] | null>;
/** Of the nodes at the API server, by type. */
let conditions: Map<string, Record<string, unknown>>;

const HEALTHY: InventoryDevice = { id: 'gpu-a/0', driver: 'mlx5_vfio_pci', health: 'Healthy' };
const WITHHELD: InventoryDevice = {
  ...HEALTHY,
  id: 'gpu-a/1',
  health: 'Quarantined',
  reason: 'EIO',
  quarantine: { code: 'ResetFailed', since: '2030-01-01T00:00:00Z', remedy: 'Reset it.' },
};

const isPatch = ({ method, url }: Received): boolean =>
  method === 'PATCH' && url.pathname === '/api/v1/nodes/gpu-a/status';
const patches = (): Received[] => api.received.filter(isPatch);
const nodeReads = (): number =>
  api.received.filter(({ method, url }) => method === 'GET' && url.pathname === '/api/v1/nodes/gpu-a').length;
const events = (): Record<string, unknown>[] =>
  api.received
    .filter(({ method, url }) => method === 'POST' && url.pathname.endsWith('/events'))
    .map(({ body }) => JSON.parse(body) as Record<string, unknown>);

beforeEach(async () => {
  api = await FakeApi.start();
  end = new AbortController();
  log = new RecordLog();
  clock = new ManualClock();
  devices = new Map();
  conditions = new Map([['Ready', { type: 'Ready', status: 'True', reason: 'KubeletReady', message: '' }]]);
  api.answer = (response, received) => {
    if (received.url.pathname.startsWith('/apis/resource.k8s.io')) {
      sendJson(response, 404, failureStatus(404, 'NotFound'));
      return;
    }
    if (isPatch(received)) {
      const { status } = JSON.parse(received.body) as { status: { conditions: { type: string }[] } };
      for (const condition of status.conditions) conditions.set(condition.type, { ...condition });
    }
    const node = {
      metadata: { name: 'gpu-a', uid: 'node-uid' },
      status: { conditions: [...conditions.values()] },
    };
    sendJson(response, 200, received.url.pathname.startsWith('/api/v1/nodes/gpu-a') ? node : {});
  };
});

afterEach(async () => {
  end.abort();
  await api[Symbol.asyncDispose]();
});

function start(): NodeHealth {
  const health = new NodeHealth(new KubeTransport(api.kubeConfig), clock, log, 'operator-1', devices);
  void health.run(end.signal);
  return health;
}

const tell = (health: NodeHealth, ...told: InventoryDevice[]): void => {
  devices.set('gpu-a', told);
  health.changed('gpu-a');
};

test('a node says that a device is in quarantine and what to look for, and an event tells people', async () => {
  const health = start();
  tell(health, HEALTHY, WITHHELD);
  await expectEventually(() => events().length === 1);
  expect(patches()[0]?.headers['content-type']).toBe('application/strategic-merge-patch+json');
  expect(JSON.parse(patches()[0]?.body ?? '')).toMatchObject({
    metadata: { uid: 'node-uid' },
    status: {
      conditions: [
        {
          type: 'TransshipDevicesHealthy',
          status: 'False',
          reason: 'Quarantined',
          message: 'In quarantine: gpu-a/1 (ResetFailed, since 2030-01-01T00:00:00Z, EIO).',
        },
      ],
    },
  });
  expect(events()[0]).toMatchObject({
    type: 'Warning',
    reason: 'Quarantined',
    action: 'Report',
    regarding: { kind: 'Node', name: 'gpu-a', uid: 'gpu-a' },
  });
});

test('a node of whose devices none is in quarantine says so, and nobody is bothered', async () => {
  tell(start(), HEALTHY);
  await expectEventually(() => patches().length === 1);
  expect(conditions.get('TransshipDevicesHealthy')).toMatchObject({ status: 'True' });
  expect(events()).toEqual([]);
});

test('the end of a quarantine is told, and what does not change is not written or asked again', async () => {
  const health = start();
  tell(health, WITHHELD);
  await expectEventually(() => events().length === 1);
  tell(health, { ...WITHHELD, state: 'Stop' });
  tell(health, HEALTHY);
  await expectEventually(() => events().length === 2);
  expect([nodeReads(), patches().length]).toEqual([2, 2]);
  expect(events()[1]).toMatchObject({ type: 'Normal', reason: 'NoQuarantine' });
  expect(conditions.get('TransshipDevicesHealthy')).toMatchObject({ status: 'True' });
  expect(conditions.get('Ready')).toMatchObject({ reason: 'KubeletReady' });
});

test('another operator that takes over repeats nothing', async () => {
  tell(start(), WITHHELD);
  await expectEventually(() => events().length === 1);
  end.abort();
  end = new AbortController();
  tell(start(), WITHHELD);
  await expectEventually(() => nodeReads() === 2);
  expect([patches().length, events().length]).toEqual([1, 1]);
});

test('a node whose inventory is gone is unknown; one that never had any is left alone', async () => {
  const health = start();
  devices.set('gpu-a', null);
  health.changed('gpu-a');
  await expectEventually(() => nodeReads() === 1);
  expect(patches()).toEqual([]);
  tell(health, HEALTHY);
  await expectEventually(() => patches().length === 1);
  devices.set('gpu-a', null);
  health.changed('gpu-a');
  await expectEventually(() => patches().length === 2);
  expect(conditions.get('TransshipDevicesHealthy')).toMatchObject({
    status: 'Unknown',
    reason: 'NoInventory',
  });
});

test('what cannot be written is tried again, and one node does not hold up another', async () => {
  const answer = api.answer;
  let isRefusing = true;
  api.answer = (response, received) => {
    if (received.url.pathname === '/api/v1/nodes/gpu-0') {
      sendJson(response, 404, failureStatus(404, 'NotFound', { name: 'gpu-0' }));
    } else if (isRefusing && isPatch(received)) {
      sendJson(response, 503, failureStatus(503, 'ServiceUnavailable'));
    } else answer(response, received);
  };
  const health = start();
  devices.set('gpu-0', [WITHHELD]);
  health.changed('gpu-0');
  tell(health, WITHHELD);
  await expectEventually(() => log.lines.includes('warn the health of a node is not told'));
  isRefusing = false;
  await expectEventually(async () => {
    await clock.advance(60_000);
    return conditions.has('TransshipDevicesHealthy');
  });
});
