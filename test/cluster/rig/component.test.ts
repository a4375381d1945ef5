import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, expect, test } from '@jest/globals';

import { eventually } from '../../support/managed-process.ts';
import { clusterAssets } from './assets.ts';
import { ControlPlane } from './control-plane.ts';

/** Building the programs takes minutes when the cache is cold. */
const START_DEADLINE_MS = 90 * 60_000;
const PATIENCE_MS = 120_000;

let folder: string;
let plane: ControlPlane;

beforeAll(async () => {
  const assetsDir = await clusterAssets(
    ...(['kube-apiserver', 'etcd', 'kubectl', 'kube-controller-manager', 'kube-scheduler'] as const),
  );
  folder = await mkdtemp(join(tmpdir(), 'transship-components-'));
  plane = await ControlPlane.start({
    assetsDir,
    workDir: join(folder, 'plane'),
    components: ['kube-controller-manager', 'kube-scheduler'],
  });
}, START_DEADLINE_MS);

afterAll(async () => {
  await plane.stop();
  await rm(folder, { recursive: true, force: true });
});

async function succeed(args: readonly string[], input = ''): Promise<string> {
  const { code, stdout, stderr } = await plane.run('kubectl', args, { input });
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return stdout;
}

const untilSays = (what: string, args: readonly string[], wanted: string): Promise<string> =>
  eventually(what, PATIENCE_MS, async () => {
    const { stdout } = await plane.run('kubectl', args);
    return stdout === wanted ? stdout : null;
  });

const node = {
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name: 'rig-node' },
  status: {
    capacity: { cpu: '8', memory: '8Gi', pods: '10' },
    conditions: [{ type: 'Ready', status: 'True', reason: 'Rig', message: 'nothing runs here' }],
  },
};

const replicaSet = {
  apiVersion: 'apps/v1',
  kind: 'ReplicaSet',
  metadata: { name: 'web', namespace: 'default' },
  spec: {
    replicas: 2,
    selector: { matchLabels: { app: 'web' } },
    template: {
      metadata: { labels: { app: 'web' } },
      spec: { containers: [{ name: 'main', image: 'example.org/web' }] },
    },
  },
};

test('pods of a ReplicaSet are made, get a token and a node, are replaced, and go with their owner', async () => {
  await untilSays(
    'the default service account',
    ['get', 'serviceaccount', 'default', '-o', 'name'],
    'serviceaccount/default\n',
  );
  await succeed(['create', '-f', '-'], JSON.stringify(node));
  // A node is born not ready; the controller manager takes that taint away.
  await untilSays('a node for everybody', ['get', 'node', 'rig-node', '-o', 'jsonpath={.spec.taints}'], '');
  await succeed(['create', '-f', '-'], JSON.stringify(replicaSet));

  const nodes = ['get', 'pods', '-o', 'jsonpath={.items[*].spec.nodeName}'];
  await untilSays('two pods on the node', nodes, 'rig-node rig-node');
  const mounts = ['get', 'pods', '-o', 'jsonpath={.items[0].spec.containers[0].volumeMounts[0].mountPath}'];
  expect(await succeed(mounts)).toBe('/var/run/secrets/kubernetes.io/serviceaccount');

  await plane.killComponent('kube-controller-manager');
  // There is no kubelet that would end them. kubectl warns of that.
  await plane.run('kubectl', ['delete', 'pods', '--all', '--grace-period=0', '--force', '--wait=false']);
  expect(await succeed(['get', 'pods', '-o', 'name'])).toBe('');
  await plane.startComponent('kube-controller-manager');
  await untilSays('two other pods on the node', nodes, 'rig-node rig-node');

  await succeed(['delete', 'replicaset', 'web', '--cascade=background', '--wait=false']);
  await eventually('the pods are marked for their end', PATIENCE_MS, async () => {
    const marks = await succeed(['get', 'pods', '-o', 'jsonpath={.items[*].metadata.deletionTimestamp}']);
    return marks.split(' ').length === 2 ? true : null;
  });
});

test('all programs are gone after stop', async () => {
  const { pids } = plane;
  expect(pids).toHaveLength(4);
  await plane.stop();
  expect(plane.pids).toEqual([]);
  for (const pid of pids) expect(() => process.kill(pid, 0)).toThrow('ESRCH');
});
