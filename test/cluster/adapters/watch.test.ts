import { setTimeout as sleep } from 'node:timers/promises';

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { KubeConfig } from '@kubernetes/client-node';
import { systemClock } from '@transship/operator/internal/clock';
import { KubeEventSink } from '@transship/operator/internal/kube/events';
import { KubeMigrationFeed } from '@transship/operator/internal/kube/feed';
import { InventoryCache } from '@transship/operator/internal/kube/inventory-cache';
import { LIST_WATCH_TIMES } from '@transship/operator/internal/kube/list-watch';
import { KubeTransport } from '@transship/operator/internal/kube/transport';

import { ApiProxy } from './api-proxy.ts';
import { Cluster, expectEventually, read, silent, START_DEADLINE_MS, storeFor, written } from './cluster.ts';

let cluster: Cluster;
let end: AbortController;

beforeAll(async () => {
  cluster = await Cluster.start();
}, START_DEADLINE_MS);

afterAll(() => cluster.stop());

beforeEach(() => {
  end = new AbortController();
});

afterEach(() => {
  end.abort();
});

describe('list and watch', () => {
  const times = {
    ...LIST_WATCH_TIMES,
    inactivityMs: 2_000,
    requestDeadlineMs: 2_000,
    backoff: { firstMs: 50, capMs: 500 },
  };

  function follow(kubeConfig: KubeConfig): { feed: KubeMigrationFeed; names: string[]; warnings: string[] } {
    const names: string[] = [];
    const warnings: string[] = [];
    const log = { ...silent, warn: (fields: object) => warnings.push(JSON.stringify(fields)) };
    const feed = new KubeMigrationFeed(new KubeTransport(kubeConfig), systemClock, log, times);
    void feed.run(({ name }) => names.push(name), end.signal);
    return { feed, names, warnings };
  }

  test('tell of what is there, what comes, what changes and what goes', async () => {
    await cluster.createMigration('watched-before');
    const { feed, names } = follow(cluster.adminConfig);
    await expectEventually(() => feed.synced && names.includes('watched-before'));

    const key = await cluster.createMigration('watched-after');
    await expectEventually(() => names.includes('watched-after'));
    const store = storeFor(cluster.adminConfig);
    for (const change of [
      async () => written(await store.raiseFence(await read(store, key), 'me', end.signal)),
      () => cluster.kubectl(['delete', 'dmig', key.name]),
    ]) {
      names.length = 0;
      await change();
      await expectEventually(() => names.includes('watched-after'));
    }
  });

  test('go on after a restart of the API server', async () => {
    const { feed, names } = follow(cluster.adminConfig);
    await expectEventually(() => feed.synced);
    await cluster.controlPlane.killApiServer();
    await sleep(1_000);
    await cluster.controlPlane.restartApiServer();

    await cluster.createMigration('after-restart');
    await expectEventually(() => names.includes('after-restart'));
  });

  test('go on after the API server stood still for longer than the inactivity limit', async () => {
    const { feed, names } = follow(cluster.adminConfig);
    await expectEventually(() => feed.synced);
    cluster.controlPlane.pauseApiServer();
    await sleep(3 * times.inactivityMs);
    await cluster.controlPlane.resumeApiServer();

    await cluster.createMigration('after-pause');
    await expectEventually(() => names.includes('after-pause'));
  });

  test('list again when the API server says that the asked-for history is gone', async () => {
    const proxy = await ApiProxy.start(cluster.controlPlane.kubeconfig);
    try {
      const key = await cluster.createMigration('before-410');
      proxy.rewrite = (url) => url.replace(/resourceVersion=\d+/, 'resourceVersion=1');
      const { names, warnings } = follow(proxy.kubeConfig);
      await expectEventually(() => names.filter((name) => name === key.name).length >= 2);
      expect(warnings).toContainEqual(expect.stringContaining('too old resource version'));
      expect(proxy.requests.filter(({ url }) => !url.includes('watch=true')).length).toBeGreaterThanOrEqual(
        2,
      );

      proxy.rewrite = (url) => url;
      await cluster.createMigration('after-410');
      await expectEventually(() => names.includes('after-410'));
    } finally {
      await proxy.stop();
    }
  });

  test('know where the agents of the inventories listen', async () => {
    const cache = new InventoryCache(new KubeTransport(cluster.adminConfig), systemClock, silent, times);
    void cache.run(end.signal);
    await expectEventually(() => cache.synced);
    const body = {
      apiVersion: 'transship.dev/v1alpha1',
      kind: 'NodeDeviceInventory',
      metadata: { name: 'gpu-a' },
    };
    await cluster.kubectl(['create', '-f', '-'], JSON.stringify(body));
    expect(cache.endpoint('gpu-a')).toBeNull();

    const announce = (endpoint: string) =>
      cluster.kubectl([
        'patch',
        'ndi',
        'gpu-a',
        '--subresource=status',
        '--type=merge',
        '-p',
        JSON.stringify({ status: { agent: { endpoint, version: '0.1.0' } } }),
      ]);
    await announce('10.0.0.1:7443');
    await expectEventually(() => cache.endpoint('gpu-a') === '10.0.0.1:7443');
    await announce('10.0.0.2:7443');
    await expectEventually(() => cache.endpoint('gpu-a') === '10.0.0.2:7443');
    await cluster.kubectl(['delete', 'ndi', 'gpu-a']);
    await expectEventually(() => cache.endpoint('gpu-a') === null);
  });
});

describe('events', () => {
  test('stand on the migration and on both nodes, and a repeated one is counted', async () => {
    const key = await cluster.createMigration('eventful');
    const stored = await read(storeFor(cluster.adminConfig), key);
    const sink = new KubeEventSink(new KubeTransport(cluster.adminConfig), systemClock, silent, 'operator-1');
    const event = {
      type: 'Warning',
      reason: 'QuiesceTimeout',
      message: 'device gpu-a/1 did not stop',
    } as const;
    sink.publish(stored, event);
    sink.publish(stored, event);

    const list = async () => {
      const args = [
        'get',
        'events.events.k8s.io',
        '-A',
        '-o',
        'json',
        '--field-selector=reason=QuiesceTimeout',
      ];
      const { items } = JSON.parse(await cluster.kubectl(args)) as { items: Record<string, unknown>[] };
      return items;
    };
    await expectEventually(
      async () => (await list()).filter((item) => item['series'] !== undefined).length === 3,
    );
    const items = await list();
    expect(items).toHaveLength(3);
    expect(
      items.map(({ regarding }) => (regarding as { kind: string; name: string }).name).toSorted(),
    ).toEqual(['eventful', 'gpu-a', 'gpu-b']);
    expect(items[0]).toMatchObject({ type: 'Warning', note: event.message, series: { count: 2 } });
    expect(await cluster.kubectl(['events', '--for', 'devicemigration/eventful'])).toContain(event.message);
    sink.close();
  });
});
