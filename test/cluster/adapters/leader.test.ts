import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import { Cluster, expectEventually, read, START_DEADLINE_MS, storeFor } from './cluster.ts';
import { OperatorProcess } from './operator-process.ts';

let cluster: Cluster;
let tls: string;

beforeAll(async () => {
  cluster = await Cluster.start();
  tls = join(cluster.folder, 'nothing.pem');
  await writeFile(tls, '');
}, START_DEADLINE_MS);

afterAll(() => cluster.stop());

const CHART = join(import.meta.dirname, '..', '..', '..', 'charts', 'transship');

const start = () => new OperatorProcess(cluster.controlPlane.kubeconfig, tls);

const lease = async (field: string) =>
  cluster.kubectl(['get', 'lease', 'transship-operator', '-o', `jsonpath={.spec.${field}}`]);

describe('two operators in a cluster', () => {
  test('work one at a time: the second takes over from one that stands still, which ends when it goes on', async () => {
    const key = await cluster.createMigration('handed-over');
    const store = storeFor(cluster.adminConfig);
    const fence = async () => (await read(store, key)).status;
    await using first = start();
    await expectEventually(() => first.said('leading'));
    await using second = start();
    await expectEventually(() => second.said('waiting to lead'));
    expect(await lease('holderIdentity')).toBe(first.instance);
    await expectEventually(async () => (await fence()).fence === 1);
    expect((await fence()).operator).toBe(first.instance);
    for (const operator of [first, second]) {
      await expectEventually(async () => (await operator.health('/readyz')) === 200);
    }

    const stoppedAt = performance.now();
    first.signal('SIGSTOP');
    await expectEventually(() => second.said('leading'));
    const tookMs = performance.now() - stoppedAt;
    await expectEventually(async () => (await fence()).fence === 2);

    first.signal('SIGCONT');
    expect(await first.ended()).toBe(1);
    expect(first.said('leadership lost')).toBe(true);
    expect(await fence()).toMatchObject({ fence: 2, operator: second.instance });
    expect(await lease('holderIdentity')).toBe(second.instance);
    expect(await lease('leaseTransitions')).toBe('1');
    // Its last renewal was up to 2.4 s old when it was stopped.
    expect(tookMs).toBeGreaterThan(12_000);
  });

  test('hand over without waiting when the first is told to stop', async () => {
    await using first = start();
    await expectEventually(() => first.said('leading'));
    await using second = start();
    await expectEventually(() => second.said('waiting to lead'));
    first.signal('SIGTERM');
    expect(await first.ended()).toBe(0);
    // It has given the Lease back, so that nobody waits for it to expire.
    expect(await lease('holderIdentity')).not.toBe(first.instance);
    await expectEventually(() => second.said('leading'));
  });
});

describe('an operator that leads', () => {
  test('ends when it cannot renew its Lease for 10 s', async () => {
    await using operator = start();
    await expectEventually(() => operator.said('leading'));
    const killedAt = performance.now();
    await cluster.controlPlane.killApiServer();
    try {
      expect(await operator.ended()).toBe(1);
      expect(performance.now() - killedAt).toBeGreaterThan(7_000);
    } finally {
      await cluster.controlPlane.restartApiServer();
    }
  });
});

describe('an operator with the rights that the chart gives it', () => {
  test('leads, takes a migration up, tells of it, and is refused nothing', async () => {
    const parts = ['rbac', 'serviceaccount'].flatMap((part) => ['-s', `templates/operator/${part}.yaml`]);
    const rendered = await cluster.controlPlane.run('helm', [
      'template',
      'it',
      CHART,
      '-n',
      'default',
      '--kube-version',
      '1.36.0',
      ...parts,
    ]);
    expect(rendered.code).toBe(0);
    await cluster.kubectl(['apply', '-f', '-'], rendered.stdout);
    const kubeconfig = await cluster.controlPlane.kubeconfigFor('default', 'it-transship-operator');
    const key = await cluster.createMigration('with-few-rights');
    await using operator = new OperatorProcess(kubeconfig, tls);
    await expectEventually(() => operator.said('leading'));

    await expectEventually(async () => {
      const { status, finalizerPresent } = await read(storeFor(cluster.adminConfig), key);
      return finalizerPresent && status.operator === operator.instance;
    });
    await expectEventually(async () =>
      (await cluster.kubectl(['events', '--for', `devicemigration/${key.name}`])).includes('Preparing'),
    );
    await expectEventually(async () => (await operator.health('/readyz')) === 200);
    expect(operator.lines.filter((line) => JSON.stringify(line).includes('403'))).toEqual([]);

    operator.signal('SIGTERM');
    expect(await operator.ended()).toBe(0);
    expect(await lease('holderIdentity')).toBe('');
  });
});
