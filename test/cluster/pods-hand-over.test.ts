import { readFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { KubeConfig } from '@kubernetes/client-node';
import { KubePods } from '@transship/operator/internal/kube/pods';
import { KubeTransport } from '@transship/operator/internal/kube/transport';
import {
  isGuarded,
  letGoOf,
  type PodPair,
  refOf,
  stepHandOver,
} from '@transship/operator/internal/pods/carry-out';
import { controllerOf, type Pod } from '@transship/operator/internal/pods/pod';
import { targetPod } from '@transship/operator/internal/pods/target-pod';

import { eventually } from '../support/managed-process.ts';
import { goodManifest } from '../support/bad-manifests.ts';
import { clusterAssets } from './rig/assets.ts';
import { ControlPlane } from './rig/control-plane.ts';

const START_DEADLINE_MS = 90 * 60_000;
const CASE_DEADLINE_MS = 600_000;
const PATIENCE_MS = 180_000;
const ROOT = join(import.meta.dirname, '..', '..');
const { signal } = new AbortController();

let folder: string;
let plane: ControlPlane | undefined;
let transport: KubeTransport | undefined;
let pods: KubePods;
let count = 0;

beforeAll(async () => {
  const assetsDir = await clusterAssets(
    ...(['kube-apiserver', 'etcd', 'kubectl', 'helm', 'kube-controller-manager'] as const),
  );
  folder = await mkdtemp(join(tmpdir(), 'transship-hand-over-'));
  const workDir = join(folder, 'plane');
  plane = await ControlPlane.start({ assetsDir, workDir, components: ['kube-controller-manager'] });
  await kubectl(['apply', '-f', join(ROOT, 'crds', 'devicemigrations.yaml')]);
  await kubectl([
    'wait',
    '--for=condition=Established',
    '--timeout=60s',
    'crd/devicemigrations.transship.dev',
  ]);
  const chart = join(ROOT, 'charts', 'transship');
  const policy = ['-s', 'templates/operator/handoverpolicy.yaml', '--kube-version', '1.36'];
  const { stdout, stderr } = await plane.run('helm', ['template', 'transship', chart, ...policy]);
  expect(stderr).toBe('');
  await kubectl(['apply', '-f', '-'], stdout);
  const credentials = new KubeConfig();
  credentials.loadFromFile(plane.kubeconfig);
  transport = new KubeTransport(credentials);
  pods = new KubePods(transport);
}, START_DEADLINE_MS);

afterAll(async () => {
  transport?.close();
  await plane?.stop();
  await rm(folder, { recursive: true, force: true });
});

async function kubectl(args: readonly string[], input = ''): Promise<string> {
  if (plane === undefined) throw new Error('there is no control plane');
  const { code, stdout, stderr } = await plane.run('kubectl', args, { input });
  if (code !== 0) throw new Error(`kubectl ${args.join(' ')}: ${stderr}`);
  return stdout;
}

const create = (object: unknown): Promise<string> => kubectl(['create', '-f', '-'], JSON.stringify(object));

const template = (app: string, restartPolicy: string) => ({
  metadata: { labels: { app } },
  spec: {
    restartPolicy,
    terminationGracePeriodSeconds: 5,
    nodeSelector: { 'example.org/none': 'true' },
    containers: [{ name: 'main', image: 'example.org/main' }],
  },
});

/** The kubelet's part: says how a pod is. */
async function say(name: string, phase: string, ready: boolean): Promise<void> {
  const status = { phase, conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }] };
  await kubectl([
    'patch',
    'pod',
    name,
    '--subresource=status',
    '--type=merge',
    '-p',
    JSON.stringify({ status }),
  ]);
}

/** The scheduler's part. The node need not be there, and nobody ends pods there but a test. */
async function bind(name: string, node: string): Promise<void> {
  await create({ apiVersion: 'v1', kind: 'Node', metadata: { name: node } }).catch(() => '');
  const target = { apiVersion: 'v1', kind: 'Node', name: node };
  const binding = { apiVersion: 'v1', kind: 'Binding', metadata: { name }, target };
  await kubectl(
    ['create', '--raw', `/api/v1/namespaces/default/pods/${name}/binding`, '-f', '-'],
    JSON.stringify(binding),
  );
}

async function read(name: string): Promise<Pod> {
  const found = await pods.get('default', name, signal);
  if (found === null) throw new Error(`no pod ${name}`);
  return found;
}

/** Of an app that are not being deleted. */
async function namesOf(app: string): Promise<string[]> {
  const list = JSON.parse(await kubectl(['get', 'pods', '-l', `app=${app}`, '-o', 'json'])) as {
    items: Pod[];
  };
  return list.items
    .filter(({ metadata }) => (metadata.deletionTimestamp ?? null) === null)
    .map(({ metadata }) => metadata.name)
    .toSorted();
}

const untilCount = (app: string, wanted: number): Promise<string[]> =>
  eventually(`${wanted} pods of ${app}`, PATIENCE_MS, async () => {
    const names = await namesOf(app);
    return names.length === wanted ? names : null;
  });

/** Makes the target pod as the operator does, on gpu-b. */
async function targetFor(sourceName: string): Promise<PodPair> {
  count += 1;
  const name = `evac-${count}`;
  await create({ ...goodManifest(), metadata: { name, namespace: 'default' } });
  const uid = await kubectl(['get', 'dmig', name, '-o', 'jsonpath={.metadata.uid}']);
  const source = await read(sourceName);
  const made = await pods.create(targetPod(source, { uid, sourceNode: 'gpu-a' }), signal);
  if (made.kind !== 'written') throw new Error(`no target pod: ${JSON.stringify(made)}`);
  await bind(made.pod.metadata.name, 'gpu-b');
  return { source: refOf(source), target: refOf(made.pod), migration: { name, uid } };
}

/** Pods of the namespace that began and ended since a revision, in the order in which that happened. */
async function historySince(revision: string): Promise<{ made: string[]; deleted: string[] }> {
  const path = `/api/v1/namespaces/default/pods?watch=1&resourceVersion=${revision}&timeoutSeconds=3`;
  const lines = (await kubectl(['get', '--raw', path])).split('\n').filter((line) => line !== '');
  const events = lines.map((line) => JSON.parse(line) as { type: string; object: Pod });
  const named = (type: string) =>
    events.filter((event) => event.type === type).map(({ object }) => object.metadata.name);
  const ended = events.filter(({ object }) => (object.metadata.deletionTimestamp ?? null) !== null);
  return {
    made: named('ADDED'),
    deleted: [...new Set([...ended.map(({ object }) => object.metadata.name), ...named('DELETED')])],
  };
}

const revision = async (): Promise<string> =>
  (
    JSON.parse(await kubectl(['get', '--raw', '/api/v1/namespaces/default/pods'])) as {
      metadata: { resourceVersion: string };
    }
  ).metadata.resourceVersion;

/** How often the controller manager was kept from adopting a pod of this name. */
async function denials(name: string): Promise<number> {
  const log = await readFile(join(folder, 'plane', 'kube-controller-manager.log'), 'utf8');
  return log.split('\n').filter((line) => line.includes('ValidatingAdmissionPolicy') && line.includes(name))
    .length;
}

/**
 * Hands over step by step. Where the owner stands still, it is waited for until it has tried to adopt the target pod after
 * that step, so that it has surely seen it.
 */
async function handOver(pair: PodPair, poke: () => Promise<unknown>): Promise<string[]> {
  const steps: string[] = [];
  for (;;) {
    const { step, refusal } = await stepHandOver(pods, pair, signal);
    expect(refusal).toBeNull();
    if (step.kind === 'done') return steps;
    steps.push(step.kind);
    if (step.kind !== 'labelTarget' && step.kind !== 'freeSource') continue;
    const before = await denials(pair.target.name);
    await eventually('the owner tries to adopt the target pod', PATIENCE_MS, async () => {
      await poke();
      return (await denials(pair.target.name)) > before ? true : null;
    });
  }
}

const STEPS = ['costSource', 'labelTarget', 'freeSource', 'adoptTarget', 'deleteSource'];

describe('a pod of a Deployment', () => {
  test(
    'is replaced by its target pod alone, though neither is ready and another pod is not either',
    async () => {
      await create({
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        metadata: { name: 'web' },
        spec: { replicas: 3, selector: { matchLabels: { app: 'web' } }, template: template('web', 'Always') },
      });
      const [first = '', second = '', third = ''] = await untilCount('web', 3);
      for (const name of [first, second, third]) await bind(name, 'gpu-a');
      await say(first, 'Running', false);
      await say(second, 'Running', false);
      await say(third, 'Running', true);
      const pair = await targetFor(first);
      await say(pair.target.name, 'Running', false);
      const owner = controllerOf(await read(first));
      const begin = await revision();

      let pokes = 0;
      const poke = () => kubectl(['annotate', 'rs', '-l', 'app=web', '--overwrite', `poke=${(pokes += 1)}`]);
      expect(await handOver(pair, poke)).toEqual(STEPS);

      expect(await namesOf('web')).toEqual([second, third, pair.target.name].toSorted());
      expect(controllerOf(await read(pair.target.name))).toEqual(owner);
      expect(controllerOf(await read(first))).toMatchObject({
        kind: 'DeviceMigration',
        uid: pair.migration.uid,
      });
      expect(await letGoOf(pods, pair.target, signal)).toBe(true);
      expect((await read(pair.target.name)).metadata.labels).not.toHaveProperty(['transship.dev/incoming']);
      // The controller goes on as ever: it makes a fourth, and none in the place of one that it would miss.
      await kubectl(['scale', 'deployment', 'web', '--replicas=4']);
      const all = await untilCount('web', 4);
      const { made, deleted } = await historySince(begin);
      expect(made).toEqual(all.filter((name) => ![second, third, pair.target.name].includes(name)));
      expect(deleted).toEqual([first]);
    },
    CASE_DEADLINE_MS,
  );
});

test(
  'a controller manager that begins anew in the middle of it makes no pod either',
  async () => {
    const metadata = { name: 'api' };
    const spec = {
      replicas: 1,
      selector: { matchLabels: { app: 'api' } },
      template: template('api', 'Always'),
    };
    await create({ apiVersion: 'apps/v1', kind: 'ReplicaSet', metadata, spec });
    const [name = ''] = await untilCount('api', 1);
    await bind(name, 'gpu-a');
    await say(name, 'Running', true);
    const pair = await targetFor(name);
    const begin = await revision();

    await plane?.killComponent('kube-controller-manager');
    for (const kind of STEPS.slice(0, 3))
      expect((await stepHandOver(pods, pair, signal)).step.kind).toBe(kind);
    const before = await denials(pair.target.name);
    await plane?.startComponent('kube-controller-manager');
    // It has seen one pod that it may not adopt, and none of its own.
    await eventually('it tries to adopt the target pod', PATIENCE_MS, async () =>
      (await denials(pair.target.name)) > before ? true : null,
    );
    for (const kind of STEPS.slice(3)) expect((await stepHandOver(pods, pair, signal)).step.kind).toBe(kind);
    expect(await letGoOf(pods, pair.target, signal)).toBe(true);
    await kubectl(['scale', 'replicaset', 'api', '--replicas=2']);
    const all = await untilCount('api', 2);
    const { made, deleted } = await historySince(begin);
    expect(made).toEqual(all.filter((other) => other !== pair.target.name));
    expect(deleted).toEqual([name]);
  },
  CASE_DEADLINE_MS,
);

describe('a pod of a Job', () => {
  test.each(['NonIndexed', 'Indexed'])(
    'that is %s is not counted as failed, nor made again, and completes the Job at the target',
    async (completionMode) => {
      const app = `job-${completionMode.toLowerCase()}`;
      await create({
        apiVersion: 'batch/v1',
        kind: 'Job',
        metadata: { name: app },
        // One failure would end it.
        spec: {
          completions: 1,
          parallelism: 1,
          backoffLimit: 0,
          completionMode,
          template: template(app, 'Never'),
        },
      });
      const [name = ''] = await untilCount(app, 1);
      await bind(name, 'gpu-a');
      await say(name, 'Running', true);
      const pair = await targetFor(name);
      await say(pair.target.name, 'Running', true);
      const begin = await revision();

      let pokes = 0;
      const poke = () => kubectl(['annotate', 'job', app, '--overwrite', `poke=${(pokes += 1)}`]);
      expect(await handOver(pair, poke)).toEqual(STEPS);
      // The kubelet's part: the source pod has ended, by a signal.
      await say(name, 'Failed', false);
      await kubectl(['delete', 'pod', name, '--grace-period=0', '--force']);
      expect(await letGoOf(pods, pair.target, signal)).toBe(true);
      await say(pair.target.name, 'Succeeded', false);
      await kubectl(['wait', `job/${app}`, '--for=condition=Complete', '--timeout=180s']);

      const job = JSON.parse(await kubectl(['get', 'job', app, '-o', 'json'])) as { status: object };
      expect(job.status).toMatchObject({ succeeded: 1 });
      expect(job.status).not.toHaveProperty('failed');
      expect(await historySince(begin)).toEqual({ made: [], deleted: [name] });
    },
    CASE_DEADLINE_MS,
  );
});

test(
  'it is known whether the policy is in force',
  async () => {
    await create({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'bare', labels: { app: 'bare' } },
      spec: template('', 'Always').spec,
    });
    const pair = await targetFor('bare');
    const target = await read(pair.target.name);
    expect(await isGuarded(pods, target, pair.migration, signal)).toBe(true);
    await kubectl(['delete', 'validatingadmissionpolicybinding', 'transship-hand-over']);
    await eventually('the policy is off', PATIENCE_MS, async () =>
      (await isGuarded(pods, target, pair.migration, signal)) ? null : true,
    );
    expect((await read(pair.target.name)).metadata).not.toHaveProperty('ownerReferences');
  },
  CASE_DEADLINE_MS,
);
