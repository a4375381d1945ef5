import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { deviceMigrationSpec, deviceMigrationStatus } from '@transship/crds';
import { KubeEventSink } from '@transship/operator/internal/kube/events';
import { KubeTransport } from '@transship/operator/internal/kube/transport';
import type { StoredMigration } from '@transship/operator/internal/reconcile/ports';

import { expectEventually } from '../support/eventually.ts';
import { failureStatus, FakeApi, sendJson } from '../support/fake-api.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { RecordLog } from '../support/record-log.ts';

const SPEC = deviceMigrationSpec.parse({
  source: { nodeName: 'gpu-a', devices: ['gpu-a/0'] },
  target: { nodeName: 'gpu-b' },
});

let api: FakeApi;
let clock: ManualClock;
let log: RecordLog;
let sink: KubeEventSink;

beforeEach(async () => {
  api = await FakeApi.start();
  api.answer = (response) => sendJson(response, 201, {});
  clock = new ManualClock();
  log = new RecordLog();
  sink = new KubeEventSink(new KubeTransport(api.kubeConfig), clock, log, 'op-1');
});

afterEach(async () => {
  sink.close();
  await api[Symbol.asyncDispose]();
});

function migration(spec: StoredMigration['spec'] = { ok: true, value: SPEC }): StoredMigration {
  return {
    key: { namespace: 'ml', name: 'trainer-0' },
    uid: 'uid-1',
    version: '1',
    generation: 1,
    createdAt: new Date(0),
    deletionRequested: false,
    finalizerPresent: true,
    spec,
    status: deviceMigrationStatus.parse({}),
  };
}

const news = (message: string) => ({ type: 'Normal', reason: 'PreCopy', message }) as const;
const refused = { ok: false, code: 'SameNode', message: 'the same', path: '' } as const;
const sent = () =>
  api.received.map(({ method, url }) => `${method} ${url.pathname.replace(/\.[0-9a-f]{16}$/, '')}`);

describe('events of a cluster', () => {
  test('go to the migration and to both nodes', async () => {
    sink.publish(migration(), news('state is copied'));
    await expectEventually(() => api.received.length === 3);
    expect(sent()).toEqual([
      'POST /apis/events.k8s.io/v1/namespaces/ml/events',
      'POST /apis/events.k8s.io/v1/namespaces/default/events',
      'POST /apis/events.k8s.io/v1/namespaces/default/events',
    ]);
    const [first, second] = api.received.map(({ body }) => JSON.parse(body) as Record<string, unknown>);
    expect(first).toMatchObject({
      regarding: { kind: 'DeviceMigration', namespace: 'ml', name: 'trainer-0', uid: 'uid-1' },
      reason: 'PreCopy',
      note: 'state is copied',
      eventTime: '2026-01-01T00:00:00.000000Z',
      reportingInstance: 'op-1',
    });
    expect(second).toMatchObject({
      regarding: { kind: 'Node', name: 'gpu-a' },
      related: { name: 'trainer-0' },
    });
  });

  test('go to the pods too, to the source pod also before it is on record', async () => {
    const source = { nodeName: 'gpu-a', podName: 'web-0', podUID: 'pod-1' };
    const spec = { ok: true, value: deviceMigrationSpec.parse({ source, target: {} }) } as const;
    const targetPod = { name: 'web-0-m12345', uid: 'pod-2', nodeName: 'gpu-b' };
    sink.publish(migration(spec), news('before'));
    const sourcePod = { name: 'web-0', uid: 'pod-1' };
    sink.publish(
      { ...migration(spec), status: deviceMigrationStatus.parse({ sourcePod, targetPod }) },
      news('after'),
    );
    await expectEventually(() => api.received.length === 8);
    const of = api.received.map(({ body }) => JSON.parse(body) as { regarding: object; related?: object });
    expect(of.map(({ regarding }) => regarding)).toMatchObject([
      { kind: 'DeviceMigration' },
      { kind: 'Node', name: 'gpu-a' },
      { kind: 'Pod', namespace: 'ml', name: 'web-0', uid: 'pod-1' },
      { kind: 'DeviceMigration' },
      { kind: 'Node', name: 'gpu-a' },
      { kind: 'Node', name: 'gpu-b' },
      { kind: 'Pod', namespace: 'ml', name: 'web-0', uid: 'pod-1' },
      { kind: 'Pod', namespace: 'ml', name: 'web-0-m12345', uid: 'pod-2' },
    ]);
    expect(of[2]?.related).toMatchObject({ kind: 'DeviceMigration', name: 'trainer-0' });
  });

  test('go to the migration alone when its manifest names no nodes', async () => {
    sink.publish(migration(refused), news('x'));
    sink.publish(migration(refused), news('y'));
    await expectEventually(() => api.received.length === 2);
  });

  test('are counted when they repeat, and made anew when the first one has expired', async () => {
    const stored = migration(refused);
    const names: string[] = [];
    let expired = false;
    api.answer = (response, { method, url, body }) => {
      if (method === 'POST') names.push((JSON.parse(body) as { metadata: { name: string } }).metadata.name);
      if (method === 'PATCH' && expired) {
        sendJson(response, 404, failureStatus(404, 'NotFound', { name: url.pathname.split('/').at(-1) }));
      } else sendJson(response, 200, {});
    };
    for (let count = 1; count <= 3; count += 1) {
      sink.publish(stored, news('again'));
      await expectEventually(() => api.received.length === count);
    }
    expect(api.received.map(({ method }) => method)).toEqual(['POST', 'PATCH', 'PATCH']);
    expect(JSON.parse(api.received[2]!.body)).toMatchObject({ series: { count: 3 } });
    expired = true;
    sink.publish(stored, news('again'));
    await expectEventually(() => names.length === 2);
    expect(names[1]).not.toBe(names[0]);

    await clock.advance(7 * 60_000);
    sink.publish(stored, news('again'));
    await expectEventually(() => names.length === 3);
  });

  test('are sent in a burst at first and then at a steady rate, and dropped beyond a bound', async () => {
    const stored = migration(refused);
    for (let count = 0; count < 400; count += 1) sink.publish(stored, news(`number ${count}`));
    await expectEventually(() => api.received.length === 50);
    for (let second = 1; second <= 3; second += 1) {
      await clock.advance(1_000);
      await expectEventually(() => api.received.length === 50 + 5 * second);
    }
    for (let second = 0; second < 60; second += 1) {
      await clock.advance(200);
      await clock.advance(800);
    }
    await expectEventually(async () => {
      await clock.advance(200);
      return log.lines.length > 0;
    });
    expect(api.received.length).toBeLessThanOrEqual(257);
    expect(log.lines).toEqual(['warn events were dropped: too many at once']);
  });

  test('are forgotten when they cannot be sent', async () => {
    api.answer = (response) => sendJson(response, 403, failureStatus(403, 'Forbidden'));
    sink.publish(migration(refused), news('x'));
    await expectEventually(() => log.lines.length === 1);
    expect(log.lines).toEqual(['warn event not sent']);
  });

  test('end when the sink is closed', async () => {
    for (let count = 0; count < 100; count += 1) sink.publish(migration(refused), news(`number ${count}`));
    await expectEventually(() => api.received.length === 50);
    sink.close();
    await clock.advance(60_000);
    expect(api.received).toHaveLength(50);
    expect(log.lines).toEqual([]);
  });
});
