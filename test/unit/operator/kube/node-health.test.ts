import { afterEach, beforeEach, expect, test } from '@jest/globals';
import type { InventoryDevice } from '@transship/crds';
import { NodeHealth } from '@transship/operator/internal/kube/node-health';
import { KubeTransport } from '@transship/operator/internal/kube/transport';
import { expectEventually } from '../support/eventually.ts';
import { FakeApi, failureStatus, sendJson, type Received } from '../support/fake-api.ts';
import { ManualClock, settle } from '../support/manual-clock.ts';
import { RecordLog } from '../support/record-log.ts';

let api: FakeApi;
let end: AbortController;
let log: RecordLog;
let clock: ManualClock;
let devices: Map<string, readonly InventoryDevice[]>;
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
const reads = (path: string): number =>
  api.received.filter(({ method, url }) => method === 'GET' && url.pathname === path).length;
/** Reads of the node, by itself or with all others. */
const nodeReads = (): number => reads('/api/v1/nodes/gpu-a') + reads('/api/v1/nodes');
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
    if (received.url.pathname === '/api/v1/nodes') sendJson(response, 200, { metadata: {}, items: [node] });
    else sendJson(response, 200, received.url.pathname.startsWith('/api/v1/nodes/gpu-a') ? node : {});
  };
});

afterEach(async () => {
  end.abort();
  await api[Symbol.asyncDispose]();
});

function start(isComplete?: () => boolean): NodeHealth {
  const transport = new KubeTransport(api.kubeConfig);
  const health = new NodeHealth(transport, clock, log, 'operator-1', devices, isComplete);
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
  devices.delete('gpu-a');
  health.changed('gpu-a');
  await expectEventually(() => nodeReads() === 1);
  await settle();
  tell(health, HEALTHY);
  await expectEventually(() => patches().length === 1);
  expect(conditions.get('TransshipDevicesHealthy')).toMatchObject({ status: 'True' });
  devices.delete('gpu-a');
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

/** A cluster of these nodes, which serves rules for DRA devices; `refused` cannot be written. */
function serve(nodes: readonly object[], rules: object[], refused?: string): void {
  const dra = '/apis/resource.k8s.io';
  api.answer = (response, { method, url }) => {
    const path = url.pathname;
    const rule = /devicetaintrules\/(.+)$/.exec(path)?.[1];
    if (path === dra) sendJson(response, 200, { versions: [{ version: 'v1' }] });
    else if (path === `${dra}/v1`)
      sendJson(response, 200, { resources: [{ name: 'devicetaintrules' }, { name: 'resourceslices' }] });
    else if (path === `${dra}/v1/devicetaintrules`) sendJson(response, 200, { metadata: {}, items: rules });
    else if (method === 'DELETE' && rule !== undefined) {
      const at = rules.findIndex((one) => (one as { metadata: { name: string } }).metadata.name === rule);
      rules.splice(at, 1);
      sendJson(response, 200, {});
    } else if (path === '/api/v1/nodes') sendJson(response, 200, { metadata: {}, items: nodes });
    else if (method === 'PATCH' && path.includes(`/${refused}/`))
      sendJson(response, 503, failureStatus(503, 'ServiceUnavailable'));
    else if (method === 'GET') {
      const name = path.split('/').at(-1);
      const node = nodes.find((one) => (one as { metadata: { name: string } }).metadata.name === name);
      if (node === undefined) sendJson(response, 404, failureStatus(404, 'NotFound', { name }));
      else sendJson(response, 200, node);
    } else sendJson(response, 200, {});
  };
}

const nodeOf = (name: string, ...told: object[]): object => ({
  metadata: { name, uid: `uid-of-${name}` },
  status: { conditions: told },
});
const ruleOf = (node: string): object => ({
  metadata: {
    name: `rule-of-${node}`,
    annotations: { 'transship.dev/node': node, 'transship.dev/device': `${node}/0` },
  },
});
const SAYS = { type: 'TransshipDevicesHealthy', status: 'False', reason: 'Quarantined', message: 'x' };
const patched = (): string[] =>
  api.received.filter(({ method }) => method === 'PATCH').map(({ url }) => url.pathname.split('/')[4] ?? '');

test('a resync of many nodes reads them all at once, and the rules once', async () => {
  const names = Array.from({ length: 30 }, (_, index) => `gpu-${index}`);
  serve(
    names.map((name) => nodeOf(name)),
    [],
  );
  for (const name of names) devices.set(name, [HEALTHY]);
  start();
  await expectEventually(() => patched().length === 30);
  await settle();
  expect(reads('/api/v1/nodes')).toBe(1);
  expect(reads('/apis/resource.k8s.io/v1/devicetaintrules')).toBe(1);
  // And what the cluster serves.
  expect(api.received.filter(({ method }) => method === 'GET')).toHaveLength(5);
});

test('what an inventory told that is gone is taken back, also by a process that never saw it', async () => {
  const rules = [ruleOf('gone'), ruleOf('stays'), ruleOf('told')];
  serve([nodeOf('stays', SAYS), nodeOf('told', SAYS), nodeOf('other')], rules);
  devices.set('told', [{ ...WITHHELD, id: 'told/0' }]);
  let isComplete = false;
  start(() => isComplete);
  await clock.advance(5_000);
  expect([patched(), rules.length]).toEqual([[], 3]);
  isComplete = true;
  await expectEventually(async () => {
    await clock.advance(1_000);
    return patched().includes('stays') && rules.length === 2;
  });
  const unknown = api.received.find(
    ({ method, url }) => method === 'PATCH' && url.pathname.includes('stays'),
  );
  expect(JSON.parse(unknown?.body ?? '')).toMatchObject({
    status: { conditions: [{ status: 'Unknown', reason: 'NoInventory' }] },
  });
  // Its quarantine may go on: only a node that is gone itself needs no taint.
  expect(rules).toEqual([ruleOf('stays'), ruleOf('told')]);
  expect(patched()).not.toContain('other');
});

test('a node that goes after its inventory takes its rules along', async () => {
  const rules = [ruleOf('gpu-a')];
  serve([], rules);
  const health = start();
  await settle();
  devices.delete('gpu-a');
  health.changed('gpu-a');
  await expectEventually(() => rules.length === 0);
});

test('the pause of a node that cannot be told is its own, and its changes do not shorten it', async () => {
  serve([nodeOf('gpu-a'), nodeOf('gpu-b')], [], 'gpu-b');
  const health = start();
  await settle();
  devices.set('gpu-b', [WITHHELD]);
  health.changed('gpu-b');
  await expectEventually(() => log.lines.length === 1);
  // No time passes for the node that fails, and the other one is told at once.
  tell(health, WITHHELD);
  health.changed('gpu-b');
  await expectEventually(() => patched().includes('gpu-a'));
  expect(patched().filter((node) => node === 'gpu-b')).toHaveLength(1);
});
