import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { writeFile } from 'node:fs/promises';
import { stringify } from 'yaml';
import { ApiProxy } from './adapters/api-proxy.ts';
import { KubeNodes, type NodeName } from './kube-nodes.ts';

/** Building the control plane takes minutes when the cache is cold. */
const START_DEADLINE_MS = 90 * 60_000;
const CASE_DEADLINE_MS = 300_000;

let kube: KubeNodes;
let count = 0;

beforeAll(async () => {
  kube = await KubeNodes.start();
}, START_DEADLINE_MS);
afterAll(() => kube[Symbol.asyncDispose]());
beforeEach(async () => {
  count += 1;
  await kube.startNodes({ devices: 2, memory: '16M', args: ['--link-latency', '5ms'] });
});
afterEach(async () => {
  await kube.stopOperators();
  await kube
    .kubectl(['patch', 'dmig', '--all', '--type=merge', '-p', '{"metadata":{"finalizers":null}}'])
    .catch(() => '');
  await kube.kubectl(['delete', 'dmig', '--all', '--wait=false']);
});

const name = (): string => `m-${count}`;

const manifest = (strategy: object = {}): string =>
  stringify({
    apiVersion: 'transship.dev/v1alpha1',
    kind: 'DeviceMigration',
    metadata: { name: name(), namespace: 'default' },
    spec: {
      source: { nodeName: 'gpu-a', devices: ['gpu-a/0', 'gpu-a/1'] },
      target: { nodeName: 'gpu-b', devices: ['gpu-b/0', 'gpu-b/1'] },
      strategy: { quiesceTimeout: '5m', ...strategy },
    },
  });

const apply = (text: string): Promise<string> =>
  kube.kubectl(['apply', '--validate=strict', '-f', '-'], text);

const emulator = (node: NodeName) => {
  const found = kube.emulators.get(node);
  if (found === undefined) throw new Error(`no emulator on ${node}`);
  return found.control;
};

/** The set runs on this node and nowhere else, and nothing was lost on the way. */
async function expectRunningOn(node: NodeName): Promise<void> {
  const other = node === 'gpu-a' ? 'gpu-b' : 'gpu-a';
  expect((await emulator(node).devices()).map(({ state, armed }) => [state, armed])).toEqual([
    ['Running', true],
    ['Running', true],
  ]);
  expect((await emulator(other).devices()).map(({ armed }) => armed)).toEqual([false, false]);
  expect((await emulator(node).workload()).frozen).toBe(false);
  const links = await emulator(node).links();
  const carrying = links.filter(({ sent }) => sent > 0);
  expect(carrying.length).toBeGreaterThan(0);
  expect(carrying.filter(({ lost, gaps, doubles }) => lost + gaps + doubles > 0)).toEqual([]);
  expect(await emulator('gpu-a').violations()).toEqual([]);
  expect(await emulator('gpu-b').violations()).toEqual([]);
}

/** Slow enough that a test can act while the data moves: 32 MiB at 2 MB/s. */
const SLOW = { mode: 'StopCopy', bandwidthLimit: '2M' };

describe('a DeviceMigration on a real API server', () => {
  test(
    'is applied, waited for and read with kubectl, by an operator with the chart’s own permissions',
    async () => {
      await kube.startOperator();
      await apply(manifest());
      await kube.kubectl(['wait', `dmig/${name()}`, '--for=condition=Ready', '--timeout=120s']);
      const migration = await kube.get(name());
      expect(migration?.status).toMatchObject({
        phase: 'Succeeded',
        fence: 1,
        decision: { value: 'Commit' },
        progress: '100%',
        downtimeEstimated: false,
      });
      expect(migration?.status.conditions.map(({ type, status }) => [type, status])).toEqual([
        ['Ready', 'True'],
      ]);
      const table = await kube.kubectl(['get', 'dmig', name()]);
      expect(table).toMatch(/PHASE +SOURCE +TARGET +PROGRESS +DOWNTIME +AGE/u);
      expect(table).toMatch(/Succeeded +gpu-a +gpu-b +100% +[0-9]+m?s/u);
      await expectRunningOn('gpu-b');
      const events = await kube.kubectl([
        'get',
        'events.events.k8s.io',
        '-A',
        '-o',
        'jsonpath={.items[*].reason}',
      ]);
      expect(events).toContain('Succeeded');
      await kube.kubectl(['delete', 'dmig', name(), '--timeout=120s']);
    },
    CASE_DEADLINE_MS,
  );

  test(
    'ends correctly when its operator is killed in the middle of the transfer and started again',
    async () => {
      const first = await kube.startOperator();
      await apply(manifest(SLOW));
      await kube.until(name(), 'draining', (migration) => (migration?.status.transfer?.bytes ?? 0) > 0);
      await first.kill();
      await kube.startOperator();
      const ended = await kube.until(
        name(),
        'ended',
        (migration) => migration?.status.completedAt !== undefined,
      );
      expect(ended?.status).toMatchObject({ phase: 'Succeeded', fence: 2, downtimeEstimated: true });
      await expectRunningOn('gpu-b');
    },
    CASE_DEADLINE_MS,
  );

  test(
    'is worked on by one of two operators',
    async () => {
      const operators = [await kube.startOperator(), await kube.startOperator()];
      await apply(manifest());
      await kube.kubectl(['wait', `dmig/${name()}`, '--for=condition=Ready', '--timeout=120s']);
      expect((await kube.get(name()))?.status.fence).toBe(1);
      const logs = await Promise.all(operators.map((operator) => operator.log()));
      expect(logs.filter((log) => log.includes('"command":"activate"'))).toHaveLength(1);
      await expectRunningOn('gpu-b');
    },
    CASE_DEADLINE_MS,
  );

  test(
    'is rolled back by kubectl delete before the decision',
    async () => {
      await kube.startOperator();
      await apply(manifest(SLOW));
      await kube.until(name(), 'draining', (migration) => (migration?.status.transfer?.bytes ?? 0) > 0);
      await kube.kubectl(['delete', 'dmig', name(), '--timeout=120s']);
      expect(await kube.get(name())).toBeNull();
      await expectRunningOn('gpu-a');
    },
    CASE_DEADLINE_MS,
  );

  test(
    'is left alone by a decision that its old leader wrote and that lands after another took over',
    async () => {
      const proxy = await ApiProxy.start(kube.operatorKubeconfig);
      const proxied = kube.path('proxied.kubeconfig');
      await writeFile(proxied, proxy.kubeConfig.exportConfig());
      try {
        const old = await kube.startOperator(proxied);
        proxy.hold('PATCH', '"Commit"');
        // Held by a finalizer of ours, so that the record can still be read when it has ended.
        await apply(manifest().replace('metadata:\n', 'metadata:\n  finalizers: [test.example/keep]\n'));
        await kube.until(name(), 'about to be decided', () => proxy.held > 0);
        old.signal('SIGSTOP');
        await kube.startOperator();
        await kube.kubectl(['delete', 'dmig', name(), '--wait=false']);
        await kube.until(name(), 'aborted', (migration) => migration?.status.completedAt !== undefined);
        const ended = await kube.until(
          name(),
          'let go',
          (migration) => migration?.metadata.finalizers?.length === 1,
        );
        expect(ended?.status).toMatchObject({ phase: 'Aborted', fence: 2, decision: { value: 'Abort' } });
        await proxy.release();
        expect(proxy.requests.findLast(({ method }) => method === 'PATCH')?.status).toBe(422);
        old.signal('SIGCONT');
        await kube.until(name(), 'left by its old leader', () => !old.running);
        expect((await kube.get(name()))?.status).toEqual(ended?.status);
        await expectRunningOn('gpu-a');
      } finally {
        await kube.stopOperators();
        await proxy.stop();
      }
    },
    CASE_DEADLINE_MS,
  );

  test(
    'of devices that do not exist is rejected before anything is touched',
    async () => {
      await kube.startOperator();
      await apply(manifest().replaceAll('gpu-a/1', 'gpu-a/9'));
      const ended = await kube.until(
        name(),
        'ended',
        (migration) => migration?.status.completedAt !== undefined,
      );
      expect(ended?.status).toMatchObject({ phase: 'Rejected', error: { code: 'DeviceNotFound' } });
      expect((await emulator('gpu-a').devices()).map(({ resets }) => resets)).toEqual([0, 0]);
      await expectRunningOn('gpu-a');
    },
    CASE_DEADLINE_MS,
  );
});
