import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { systemClock } from '@transship/operator/internal/clock';
import { InventoryCache } from '@transship/operator/internal/kube/inventory-cache';
import { LIST_WATCH_TIMES } from '@transship/operator/internal/kube/list-watch';
import { KubeTransport } from '@transship/operator/internal/kube/transport';

import { expectEventually } from '../support/eventually.ts';
import { FakeApi, sendJson } from '../support/fake-api.ts';
import { RecordLog } from '../support/record-log.ts';

let api: FakeApi;
let end: AbortController;
let log: RecordLog;
let cache: InventoryCache;

beforeEach(async () => {
  api = await FakeApi.start();
  end = new AbortController();
  log = new RecordLog();
  cache = new InventoryCache(new KubeTransport(api.kubeConfig), systemClock, log, LIST_WATCH_TIMES);
});

afterEach(async () => {
  end.abort();
  await api[Symbol.asyncDispose]();
});

const inventory = (name: string, agent: object) => ({
  metadata: { name, resourceVersion: '1' },
  status: { agent },
});

test('the cache of endpoints passes over an inventory that it cannot read, and keeps what it knew', async () => {
  const items = [
    inventory('gpu-a', { endpoint: '10.0.0.1:7443', version: '1' }),
    inventory('gpu-b', { endpoint: 'not an endpoint', version: '1' }),
    inventory('gpu-c', { endpoint: '10.0.0.3:7443', version: '1' }),
  ];
  api.answer = (response, { url }) => {
    if (url.searchParams.get('watch') !== 'true') {
      sendJson(response, 200, { metadata: { resourceVersion: '5' }, items });
      return;
    }
    const broken = inventory('gpu-c', { endpoint: 'broken now', version: '1' });
    response.write(`${JSON.stringify({ type: 'MODIFIED', object: broken })}\n`);
  };
  void cache.run(end.signal);
  await expectEventually(() => cache.synced && log.lines.length === 2);
  expect(log.lines).toEqual(Array(2).fill('warn inventory cannot be read'));
  expect(['gpu-a', 'gpu-b', 'gpu-c', 'gpu-d'].map((node) => cache.endpoint(node))).toEqual([
    '10.0.0.1:7443',
    null,
    '10.0.0.3:7443',
    null,
  ]);
});

test('the cache keeps nothing of a node whose inventory is gone, and says so once', async () => {
  const changed: string[] = [];
  cache.onDevices((node) => changed.push(node));
  const there = inventory('gpu-a', { endpoint: '10.0.0.1:7443', version: '1' });
  api.answer = (response, { url }) => {
    if (url.searchParams.get('watch') !== 'true') {
      sendJson(response, 200, { metadata: { resourceVersion: '5' }, items: [there] });
      return;
    }
    response.write(`${JSON.stringify({ type: 'DELETED', object: there })}\n`);
  };
  void cache.run(end.signal);
  await expectEventually(() => changed.length === 2);
  expect(changed).toEqual(['gpu-a', 'gpu-a']);
  expect(cache.endpoint('gpu-a')).toBeNull();
  expect([...cache.devices.keys()]).toEqual([]);
});
