import type { ServerResponse } from 'node:http';

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { systemClock } from '@transship/operator/internal/clock';
import { KubeMigrationStore } from '@transship/operator/internal/kube/store';
import { KubeTransport } from '@transship/operator/internal/kube/transport';
import type { StoredMigration } from '@transship/operator/internal/reconcile/ports';

import { failureStatus, FakeApi, sendJson } from '../support/fake-api.ts';
import { settle } from '../support/manual-clock.ts';

const KEY = { namespace: 'ml', name: 'trainer-0' };
const { signal } = new AbortController();

let api: FakeApi;
let transport: KubeTransport;
let store: KubeMigrationStore;
/** The object as the fake server would return it, and how it answers a patch. */
let object: Record<string, unknown>;
let patched: (response: ServerResponse) => void;

beforeEach(async () => {
  api = await FakeApi.start();
  transport = new KubeTransport(api.kubeConfig);
  store = new KubeMigrationStore(transport, systemClock, 60_000);
  object = migration({ fence: 3 });
  api.answer = (response, { method }) => {
    if (method === 'PATCH') patched(response);
    else sendJson(response, 200, object);
  };
});

afterEach(() => api[Symbol.asyncDispose]());

function migration(status: object, uid = 'uid-1'): Record<string, unknown> {
  return {
    apiVersion: 'transship.dev/v1alpha1',
    kind: 'DeviceMigration',
    metadata: { ...KEY, uid, resourceVersion: '9', generation: 1, creationTimestamp: '2026-01-01T00:00:00Z' },
    spec: { source: { nodeName: 'gpu-a', devices: ['gpu-a/0'] }, target: { nodeName: 'gpu-b' } },
    status: { decision: { value: 'Undecided' }, ...status },
  };
}

async function stored(): Promise<StoredMigration> {
  const found = await store.get(KEY, signal);
  if (found === null) throw new Error('not there');
  return found;
}

const LEFT = { nodeName: 'gpu-b', code: 'AgentUnreachable', message: 'no answer' };

const commit = async () =>
  store.recordDecision(await stored(), 'Undecided', 'Commit', 'op', 'verified', signal);

describe('the outcome of a write', () => {
  test('is written when the API server says so, with the object it returned', async () => {
    patched = (response) => sendJson(response, 200, migration({ fence: 3, decision: { value: 'Commit' } }));
    expect(await commit()).toMatchObject({
      kind: 'written',
      stored: { uid: 'uid-1', status: { decision: { value: 'Commit' } } },
    });
    const patch = api.received.at(-1)!;
    expect(patch.url.pathname).toBe(
      '/apis/transship.dev/v1alpha1/namespaces/ml/devicemigrations/trainer-0/status',
    );
    expect(patch.headers['content-type']).toBe('application/json-patch+json');
    expect(JSON.parse(patch.body)).toEqual([
      { op: 'test', path: '/metadata/uid', value: 'uid-1' },
      { op: 'test', path: '/status/fence', value: 3 },
      { op: 'test', path: '/metadata/resourceVersion', value: '9' },
      { op: 'test', path: '/status/target', value: null },
      { op: 'test', path: '/status/decision/value', value: 'Undecided' },
      { op: 'test', path: '/status/stopping', value: null },
      { op: 'test', path: '/status/completedAt', value: null },
      {
        op: 'replace',
        path: '/status/decision',
        value: { value: 'Commit', at: expect.any(String), by: 'op', reason: 'verified' },
      },
    ]);
  });

  test.each([{}, { stopping: { at: '2026-01-01T00:00:01Z', by: 'op' } }])(
    'that ends the migration tests what was recorded when it was decided: %j',
    async (recorded) => {
      object = migration({ fence: 3, ...recorded });
      patched = (response) => sendJson(response, 200, object);
      const end = { phase: 'Rejected', completedAt: '2026-01-01T00:00:02Z' } as const;
      await store.patchStatus(await stored(), end, signal);
      const tested = 'stopping' in recorded ? '/status/stopping/at' : '/status/stopping';
      expect(JSON.parse(api.received.at(-1)!.body)).toEqual([
        { op: 'test', path: '/metadata/uid', value: 'uid-1' },
        { op: 'test', path: '/status/fence', value: 3 },
        { op: 'test', path: '/metadata/resourceVersion', value: '9' },
        { op: 'test', path: '/status/target', value: null },
        { op: 'test', path: '/status/decision/value', value: 'Undecided' },
        { op: 'test', path: tested, value: 'stopping' in recorded ? '2026-01-01T00:00:01Z' : null },
        { op: 'test', path: '/status/completedAt', value: null },
        { op: 'add', path: '/status/phase', value: 'Rejected' },
        { op: 'add', path: '/status/completedAt', value: '2026-01-01T00:00:02Z' },
      ]);
    },
  );

  test('that takes a migration up to end it is one write, and tests what was recorded then', async () => {
    patched = (response) => sendJson(response, 200, object);
    const end = { phase: 'Failed', completedAt: '2026-01-01T00:00:02Z' } as const;
    await store.raiseFence(await stored(), 'op', signal, end);
    expect(JSON.parse(api.received.at(-1)!.body)).toEqual([
      { op: 'test', path: '/metadata/uid', value: 'uid-1' },
      { op: 'test', path: '/status/fence', value: 3 },
      { op: 'test', path: '/metadata/resourceVersion', value: '9' },
      { op: 'test', path: '/status/target', value: null },
      { op: 'test', path: '/status/decision/value', value: 'Undecided' },
      { op: 'test', path: '/status/stopping', value: null },
      { op: 'test', path: '/status/completedAt', value: null },
      { op: 'replace', path: '/status/fence', value: 4 },
      { op: 'add', path: '/status/operator', value: 'op' },
      { op: 'add', path: '/status/phase', value: 'Failed' },
      { op: 'add', path: '/status/completedAt', value: '2026-01-01T00:00:02Z' },
    ]);
  });

  test('that leaves a target tests what was recorded of it, with the fence that it raises', async () => {
    const target = { nodeName: 'gpu-c', generation: 2, abandoned: [LEFT] };
    object = migration({ fence: 3, target });
    patched = (response) => sendJson(response, 200, object);
    const next = { ...target, nodeName: 'gpu-d' };
    await store.raiseFence(await stored(), 'op', signal, { target: next });
    expect(JSON.parse(api.received.at(-1)!.body)).toEqual([
      { op: 'test', path: '/metadata/uid', value: 'uid-1' },
      { op: 'test', path: '/status/fence', value: 3 },
      { op: 'test', path: '/metadata/resourceVersion', value: '9' },
      { op: 'test', path: '/status/target/nodeName', value: 'gpu-c' },
      { op: 'test', path: '/status/decision/value', value: 'Undecided' },
      { op: 'test', path: '/status/stopping', value: null },
      { op: 'test', path: '/status/completedAt', value: null },
      { op: 'replace', path: '/status/fence', value: 4 },
      { op: 'add', path: '/status/operator', value: 'op' },
      { op: 'add', path: '/status/target', value: next },
    ]);
    await commit();
    const tests = JSON.parse(api.received.at(-1)!.body) as unknown[];
    expect(tests).toContainEqual({ op: 'test', path: '/status/target/nodeName', value: 'gpu-c' });
  });

  const ambiguous: Record<string, (response: ServerResponse) => void> = {
    'the connection breaks after the request': (response) => response.socket?.destroy(),
    'the answer is cut': (response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('{', () => response.socket?.destroy());
    },
    'the answer is no JSON': (response) => response.writeHead(200).end('<html>'),
    'the API server lost its etcd': (response) =>
      sendJson(response, 500, failureStatus(500, 'InternalError')),
    'a proxy lost the API server': (response) => response.writeHead(502).end('bad gateway'),
    'the API server gave up waiting': (response) => sendJson(response, 504, failureStatus(504, 'Timeout')),
  };

  test.each(Object.entries(ambiguous))('is ambiguous when %s', async (_name, answer) => {
    patched = answer;
    expect((await commit()).kind).toBe('ambiguous');
  });

  test('is ambiguous when nothing is answered in time', async () => {
    patched = () => undefined;
    const before = await stored();
    // The connection of the read is free by now, so that the write is sent before the time can be over.
    await settle();
    const hasty = new KubeMigrationStore(transport, systemClock, 200);
    const outcome = await hasty.recordDecision(before, 'Undecided', 'Commit', 'op', 'verified', signal);
    expect(outcome.kind).toBe('ambiguous');
  });

  test('is a conflict when a test failed because the fence was raised', async () => {
    patched = (response) => {
      object = migration({ fence: 4 });
      sendJson(response, 422, failureStatus(422, 'Invalid'));
    };
    expect(await commit()).toEqual({ kind: 'conflict' });
  });

  test('is gone when the object was replaced by another of its name', async () => {
    patched = (response) => {
      object = migration({ fence: 3 }, 'uid-2');
      sendJson(response, 422, failureStatus(422, 'Invalid'));
    };
    expect(await commit()).toEqual({ kind: 'gone' });
  });

  test('is gone only when the answer names the object that is not there', async () => {
    patched = (response) => sendJson(response, 404, failureStatus(404, 'NotFound', { name: KEY.name }));
    expect(await commit()).toEqual({ kind: 'gone' });
    patched = (response) => sendJson(response, 404, failureStatus(404, 'NotFound'));
    await expect(commit()).rejects.toMatchObject({ httpStatus: 404 });
    patched = (response) => response.writeHead(404).end('404 page not found');
    await expect(commit()).rejects.toMatchObject({ httpStatus: 404 });
  });

  const refusals = { forbidden: 403, unauthorized: 401, overloaded: 429, malformed: 400 };

  test.each(Object.entries(refusals))('is a throw when the request was %s', async (name, code) => {
    patched = (response) => sendJson(response, code, failureStatus(code, name));
    await expect(commit()).rejects.toMatchObject({ httpStatus: code });
  });

  test('is a throw when a rule of the schema, and no test, refused it', async () => {
    patched = (response) => sendJson(response, 422, failureStatus(422, 'Invalid'));
    await expect(commit()).rejects.toMatchObject({ httpStatus: 422 });
  });

  test('is a throw when nothing could be sent', async () => {
    const before = await stored();
    const unsent = new KubeMigrationStore(new KubeTransport(api.kubeConfig), systemClock);
    await api[Symbol.asyncDispose]();
    await expect(unsent.raiseFence(before, 'op', signal)).rejects.toMatchObject({
      name: 'NoAnswerError',
      sent: false,
    });
    api = await FakeApi.start();
  });

  test('is a throw when the caller gave up before anything was sent', async () => {
    const before = await stored();
    const count = api.received.length;
    await expect(store.raiseFence(before, 'op', AbortSignal.abort())).rejects.toMatchObject({ sent: false });
    expect(api.received).toHaveLength(count);
  });
});

describe('reading an object', () => {
  test('gives a manifest that breaks a rule as a refusal, with its status', async () => {
    object['spec'] = { source: { nodeName: 'gpu-a', devices: ['gpu-a/0'] }, target: { nodeName: 'gpu-a' } };
    expect(await stored()).toMatchObject({ spec: { ok: false, code: 'SameNode' }, status: { fence: 3 } });
  });

  test('throws when the status cannot be read, since the set may be stopped', async () => {
    object['status'] = { fence: 3, decision: { value: 'Perhaps' } };
    await expect(stored()).rejects.toThrow('the status of ml/trainer-0 cannot be read');
  });

  test('throws when the answer is something else', async () => {
    object = { kind: 'Greeting' };
    await expect(stored()).rejects.toThrow('no DeviceMigration');
  });
});
