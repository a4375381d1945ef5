import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { KubePods } from '@transship/operator/internal/kube/pods';
import { KubeTransport } from '@transship/operator/internal/kube/transport';
import { refOf } from '@transship/operator/internal/pods/carry-out';
import { targetPod } from '@transship/operator/internal/pods/target-pod';
import { sourcePod } from '../pods/pods.ts';
import { FakeApi, failureStatus, sendJson } from '../support/fake-api.ts';

const { signal } = new AbortController();
const POD = sourcePod();
const REF = refOf(POD);
const PATH = '/api/v1/namespaces/ml/pods';

let api: FakeApi;
let pods: KubePods;

beforeEach(async () => {
  api = await FakeApi.start();
  api.answer = (response) => sendJson(response, 200, POD);
  pods = new KubePods(new KubeTransport(api.kubeConfig));
});

afterEach(() => api[Symbol.asyncDispose]());

const refuse = (code: number, reason: string, details: object = {}): void => {
  api.answer = (response) => sendJson(response, code, failureStatus(code, reason, details));
};
const asked = () => api.received.map(({ method, url }) => `${method} ${url.pathname}${url.search}`);

test('a pod is read as it is now', async () => {
  expect(await pods.get('ml', 'web-0', signal)).toEqual(POD);
  expect(asked()).toEqual([`GET ${PATH}/web-0`]);
  refuse(404, 'NotFound', { name: 'web-0' });
  expect(await pods.get('ml', 'web-0', signal)).toBeNull();
  // A proxy's word is no proof that there is none.
  refuse(404, 'NotFound');
  await expect(pods.get('ml', 'web-0', signal)).rejects.toThrow('HTTP 404');
});

test('a patch is for one pod of a name, and can be tried', async () => {
  const patch = [{ op: 'remove', path: '/metadata/labels/app' }] as const;
  expect(await pods.patch(REF, patch, signal)).toEqual({ kind: 'written', pod: POD });
  await pods.tryPatch(REF, patch, signal);
  expect(asked()).toEqual([`PATCH ${PATH}/web-0`, `PATCH ${PATH}/web-0?dryRun=All`]);
  for (const { body } of api.received)
    expect(JSON.parse(body)).toEqual([{ op: 'test', path: '/metadata/uid', value: 'source-uid' }, ...patch]);
});

test('a pod is deleted by its UID', async () => {
  await pods.delete(REF, signal);
  expect(asked()).toEqual([`DELETE ${PATH}/web-0`]);
  expect(JSON.parse(api.received[0]?.body ?? '')).toMatchObject({ preconditions: { uid: 'source-uid' } });
  for (const [code, reason] of [
    [404, 'NotFound'],
    [409, 'Conflict'],
  ] as const) {
    refuse(code, reason, { name: 'web-0' });
    await pods.delete(REF, signal);
  }
  refuse(403, 'Forbidden', { name: 'web-0' });
  await expect(pods.delete(REF, signal)).rejects.toThrow('HTTP 403');
});

describe('a write', () => {
  const create = () => pods.create(targetPod(POD, { uid: 'uid-1', sourceNode: 'gpu-a' }), signal);

  test.each([
    [403, 'Forbidden'],
    [409, 'AlreadyExists'],
    [422, 'Invalid'],
  ])('is refused by an answer of %i', async (code, reason) => {
    refuse(code, reason, { name: 'web-0' });
    expect(await create()).toMatchObject({
      kind: 'refused',
      message: expect.stringContaining(`HTTP ${code}`),
    });
    expect(await pods.patch(REF, [], signal)).toMatchObject({ kind: 'refused' });
  });

  test('finds no pod, or an API server that cannot answer', async () => {
    refuse(404, 'NotFound', { name: 'web-0' });
    expect(await pods.patch(REF, [], signal)).toEqual({ kind: 'gone' });
    refuse(500, 'InternalError');
    await expect(create()).rejects.toThrow('HTTP 500');
  });
});
