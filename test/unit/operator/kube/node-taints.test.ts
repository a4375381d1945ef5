import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { KubeNodeTaints } from '@transship/operator/internal/kube/node-taints';
import { KubeTransport } from '@transship/operator/internal/kube/transport';
import { FakeApi, failureStatus, sendJson } from '../support/fake-api.ts';
import { RecordLog } from '../support/record-log.ts';

let api: FakeApi;
let log: RecordLog;

beforeEach(async () => {
  api = await FakeApi.start();
  log = new RecordLog();
});

afterEach(() => api[Symbol.asyncDispose]());

const ask = (): Promise<boolean> =>
  new KubeNodeTaints(new KubeTransport(api.kubeConfig), log).isOutOfService(
    'gpu-b',
    AbortSignal.timeout(60_000),
  );

const node = (name: string, ...keys: string[]) => ({
  metadata: { name },
  spec: { taints: keys.map((key) => ({ key, effect: 'NoExecute' })) },
});

test.each([
  ['with the taint', node('gpu-b', 'other', 'node.kubernetes.io/out-of-service'), true],
  ['with other taints', node('gpu-b', 'node.kubernetes.io/unreachable'), false],
  ['without taints', { metadata: { name: 'gpu-b' }, spec: {} }, false],
  ['with another name', node('gpu-a', 'node.kubernetes.io/out-of-service'), false],
])('a node %s', async (_name, body, isOut) => {
  api.answer = (response) => sendJson(response, 200, body);
  expect(await ask()).toBe(isOut);
  expect(api.received[0]?.url.pathname).toBe('/api/v1/nodes/gpu-b');
});

test.each([
  [404, 'NotFound'],
  [403, 'Forbidden'],
  [500, 'InternalError'],
])('that cannot be read (%i) is not known to be shut down', async (code, reason) => {
  api.answer = (response) => sendJson(response, code, failureStatus(code, reason, { name: 'gpu-b' }));
  expect(await ask()).toBe(false);
  expect(log.lines).toEqual(['warn the taints of a node cannot be read']);
});
