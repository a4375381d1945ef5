import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { systemClock } from '@transship/operator/internal/clock';
import type { KubeTransport } from '@transship/operator/internal/kube/transport';
import { Drain } from '@transship/operator/internal/webhook/drain';
import { eventually, type ManagedProcess } from '../support/managed-process.ts';
import { expectEventually, silent } from './adapters/cluster.ts';
import { CONFIGURATION, EvictionRig, PATIENCE_MS, type RunningPod, SECRET } from './eviction-rig.ts';

/** Building the control plane takes minutes when the cache is cold. */
const START_DEADLINE_MS = 90 * 60_000;
const CASE_DEADLINE_MS = 500_000;
const OPTED_IN = { 'transship.dev/migrate-on-drain': 'true' };
const ERA = '2020-01-01T00:00:00Z';

let rig: EvictionRig;
let transport: KubeTransport;
let end: AbortController;
let running: Promise<unknown>;
let node: string;

beforeAll(async () => {
  rig = await EvictionRig.start();
  transport = rig.transport();
}, START_DEADLINE_MS);
afterAll(async () => {
  transport.close();
  await rig[Symbol.asyncDispose]();
});

/** The webhook and what the leader does for it, without anybody who works on migrations: tests write their status. */
beforeEach(async () => {
  end = new AbortController();
  const options = { host: '127.0.0.1', port: rig.port, secret: SECRET, names: ['127.0.0.1'] };
  const drain = new Drain({ ...options, configuration: CONFIGURATION }, transport, systemClock, silent);
  running = Promise.all([drain.run(end.signal), drain.lead(end.signal)]);
  node = await rig.newNode();
  await untilAsked();
}, START_DEADLINE_MS);
afterEach(async () => {
  await stopDrain();
  await rig.kubectl(['delete', 'dmig', '--all', '--all-namespaces', '--timeout=120s']);
  await rig.kubectl(['delete', 'pods', '--all', '--all-namespaces', '--grace-period=0', '--force']);
});

async function stopDrain(): Promise<void> {
  end.abort();
  await running;
}

/** The API server takes a webhook's configuration up some time after it was written. */
async function untilAsked(): Promise<void> {
  const pod = await rig.runPod(node, `probe-${node}`, { labels: OPTED_IN });
  const dryRun = { dryRun: ['All'] };
  await eventually('the webhook is asked', PATIENCE_MS, async () =>
    (await rig.evict(pod, dryRun)).stderr.includes('would be moved') ? true : null,
  );
  await rig.deletePod(pod);
}

/** What the API server says to one eviction that it does not let pass. */
async function heldBecause(pod: RunningPod): Promise<string> {
  const { code, stderr } = await rig.evict(pod);
  expect(code).not.toBe(0);
  return stderr;
}

const prints = (drain: ManagedProcess, text: string | RegExp): Promise<boolean> =>
  drain.waitForLog((log) => (log.search(text) >= 0 ? true : null), PATIENCE_MS);

async function untilGuarded(pod: RunningPod): Promise<void> {
  await eventually('its budget allows nothing', PATIENCE_MS, async () => {
    const budget = ['get', 'pdb', `transship-${pod.uid}`, '-n', pod.namespace, '-o', 'json'];
    const { code, stdout } = await rig.plane.run('kubectl', budget);
    if (code !== 0) return null;
    const { metadata, status } = JSON.parse(stdout) as {
      metadata: { generation: number };
      status: { observedGeneration?: number; currentHealthy?: number };
    };
    return status.observedGeneration === metadata.generation && status.currentHealthy === 1 ? true : null;
  });
}

describe('kubectl drain', () => {
  test(
    'waits with the progress of the migration and leaves once the pod is gone',
    async () => {
      const pod = await rig.runPod(node, 'trainer', { labels: OPTED_IN });
      await using drain = rig.drain(node);
      await prints(drain, `DeviceMigration default/evac-${pod.uid} Pending`);
      const [migration, ...others] = await rig.migrations();
      expect(others).toEqual([]);
      expect(migration).toMatchObject({
        metadata: {
          name: `evac-${pod.uid}`,
          labels: { 'transship.dev/pod-uid': pod.uid },
          annotations: { 'transship.dev/trigger': 'eviction', 'transship.dev/node-was-cordoned': 'true' },
        },
        spec: { source: { nodeName: node, podName: 'trainer', podUID: pod.uid }, target: {} },
      });
      const transfer = { bytes: 61, totalBytes: 100, bytesPerSecond: 212_000_000, eta: '31s' };
      await rig.setStatus(pod, `evac-${pod.uid}`, { phase: 'PreCopy', progress: '61%', transfer });
      await prints(drain, 'PreCopy 61%, 212 MB/s, ETA 31s');
      expect(await drain.log()).toContain(
        '(will retry after 5s): admission webhook "eviction.transship.dev" denied',
      );
      await rig.deletePod(pod);
      await eventually('the drain ends', PATIENCE_MS, () => (drain.running ? null : true));
      expect(drain.exitCode).toBe(0);
      expect(await drain.log()).toContain(`node/${node} drained`);
    },
    CASE_DEADLINE_MS,
  );

  test(
    'leaves pods that did not opt in to whoever evicts them',
    async () => {
      const pod = await rig.runPod(node, 'web');
      expect(await rig.evict(pod)).toMatchObject({ code: 0 });
      expect(await rig.migrations()).toEqual([]);
    },
    CASE_DEADLINE_MS,
  );

  test(
    'of a node that is uncordoned before the decision is called off',
    async () => {
      const pod = await rig.runPod(node, 'trainer', { labels: OPTED_IN });
      const decided = await rig.runPod(node, 'decided', { labels: OPTED_IN });
      const drain = rig.drain(node);
      await prints(drain, `evac-${pod.uid} Pending`);
      await prints(drain, `evac-${decided.uid} Pending`);
      await drain.stop();
      await rig.setStatus(decided, `evac-${decided.uid}`, {
        decision: { value: 'Commit', at: ERA, by: 'test' },
      });
      await rig.kubectl(['uncordon', node]);
      await expectEventually(async () => {
        const names = (await rig.migrations()).map(({ metadata }) => metadata.name);
        return names.join() === `evac-${decided.uid}`;
      }, PATIENCE_MS);
    },
    CASE_DEADLINE_MS,
  );
});

describe('an eviction', () => {
  test(
    'that comes many times at once makes one migration',
    async () => {
      const pod = await rig.runPod(node, 'trainer', { labels: OPTED_IN });
      const answers = await Promise.all(Array.from({ length: 6 }, () => heldBecause(pod)));
      for (const answer of answers)
        expect(answer).toContain(`DeviceMigration default/evac-${pod.uid} Pending`);
      const found = await rig.kubectl(['get', 'dmig', '-o', 'json', '--show-managed-fields']);
      const { items } = JSON.parse(found) as {
        items: { metadata: { generation: number; managedFields: { manager: string }[] } }[];
      };
      expect(items.map(({ metadata }) => metadata.generation)).toEqual([1]);
      const managers = items.flatMap(({ metadata }) => metadata.managedFields.map(({ manager }) => manager));
      expect(managers).toEqual(['transship-eviction']);
    },
    CASE_DEADLINE_MS,
  );

  test(
    'that is a dry run changes nothing and says what would be done',
    async () => {
      const pod = await rig.runPod(node, 'trainer', { labels: OPTED_IN });
      await untilGuarded(pod);
      const { stderr } = await rig.evict(pod, { dryRun: ['All'] });
      expect(stderr).toContain('Warning: default/trainer would be moved by a DeviceMigration');
      // Budgets are not the webhook's to pass over in a dry run.
      expect(stderr).toContain("would violate the pod's disruption budget");
      expect(await rig.migrations()).toEqual([]);
    },
    CASE_DEADLINE_MS,
  );

  test(
    'of another pod of that name is the API server’s to refuse',
    async () => {
      const pod = await rig.runPod(node, 'trainer', { labels: OPTED_IN });
      const { code, stderr } = await rig.evict(pod, { preconditions: { uid: 'another' } });
      expect(code).not.toBe(0);
      expect(stderr).toContain('Conflict');
      expect(await rig.migrations()).toEqual([]);
    },
    CASE_DEADLINE_MS,
  );

  test(
    'tells why an attempt failed, waits, and makes the next one',
    async () => {
      const pod = await rig.runPod(node, 'trainer', { labels: OPTED_IN });
      await heldBecause(pod);
      const error = { code: 'SameNode', message: 'the target is the source' };
      const failed = { phase: 'Failed', error, completedAt: new Date().toISOString() };
      await rig.setStatus(pod, `evac-${pod.uid}`, failed);
      const because = await heldBecause(pod);
      expect(because).toContain(
        'Failed: SameNode: the target is the source. Name another node in spec.target.nodeName.',
      );
      expect(because).toMatch(/Next attempt in \d+s/);
      await rig.setStatus(pod, `evac-${pod.uid}`, { completedAt: ERA });
      expect(await heldBecause(pod)).toContain(`DeviceMigration default/evac-${pod.uid}-2 Pending`);
      expect(await rig.migrations()).toHaveLength(2);
    },
    CASE_DEADLINE_MS,
  );

  test(
    'under BestEffort goes on once a migration was rejected, past the budget of its own',
    async () => {
      const labels = { ...OPTED_IN, 'transship.dev/eviction-policy': 'BestEffort' };
      const pod = await rig.runPod(node, 'trainer', { labels });
      await untilGuarded(pod);
      await heldBecause(pod);
      await rig.setStatus(pod, `evac-${pod.uid}`, { phase: 'Failed', completedAt: new Date().toISOString() });
      await heldBecause(pod);
      await rig.setStatus(pod, `evac-${pod.uid}`, { phase: 'Rejected' });
      // The budget may come back between the webhook's answer and the API server's look at budgets; then it is asked again.
      await expectEventually(async () => (await rig.evict(pod)).code === 0, PATIENCE_MS);
    },
    CASE_DEADLINE_MS,
  );

  test(
    'of a pod that its namespace opted in is held too, and the namespace of the operator is left out',
    async () => {
      await rig.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'ml', labels: OPTED_IN } });
      await rig.newNamespaceAccount('ml');
      const inherits = await rig.runPod(node, 'inherits', { namespace: 'ml' });
      const refuses = { 'transship.dev/migrate-on-drain': 'false' };
      const optedOut = await rig.runPod(node, 'opted-out', { namespace: 'ml', labels: refuses });
      expect(await heldBecause(inherits)).toContain(`DeviceMigration ml/evac-${inherits.uid} Pending`);
      expect(await rig.evict(optedOut)).toMatchObject({ code: 0 });
      await untilGuarded(inherits);
      const own = await rig.runPod(node, 'own', { namespace: SECRET.namespace, labels: OPTED_IN });
      // Its budget would be the one to hold it, which does not matter here.
      expect((await rig.evict(own)).stderr).not.toContain('admission webhook');
      expect(await rig.migrations(SECRET.namespace)).toEqual([]);
    },
    CASE_DEADLINE_MS,
  );

  test(
    'is held by the budget of its pod while no webhook can be reached',
    async () => {
      const pod = await rig.runPod(node, 'trainer', { labels: OPTED_IN });
      const bare = await rig.runPod(node, 'bare', { labels: { app: 'bare' } });
      await untilGuarded(pod);
      await stopDrain();
      expect(await heldBecause(pod)).toContain("would violate the pod's disruption budget");
      await using drain = rig.drain(node);
      await prints(drain, "would violate the pod's disruption budget");
      await eventually('the pod that did not opt in is gone', PATIENCE_MS, async () =>
        (await rig.kubectl(['get', 'pod', bare.name, '-o', 'jsonpath={.metadata.deletionTimestamp}'])) === ''
          ? null
          : true,
      );
      expect(drain.running).toBe(true);
      expect(await rig.migrations()).toEqual([]);
    },
    CASE_DEADLINE_MS,
  );
});

describe('budgets', () => {
  test(
    'give way to one that a user makes, and go with their pod',
    async () => {
      const pod = await rig.runPod(node, 'trainer', { labels: { ...OPTED_IN, app: 'trainer' } });
      const other = await rig.runPod(node, 'other', { labels: OPTED_IN });
      await untilGuarded(pod);
      await untilGuarded(other);
      await rig.kubectl(['create', 'pdb', 'users', '--selector=app=trainer', '--min-available=1']);
      const left = async (): Promise<string[]> =>
        (await rig.kubectl(['get', 'pdb', '-o', 'jsonpath={.items[*].metadata.name}'])).split(' ').toSorted();
      const expectLeft = (names: string[]) =>
        expectEventually(async () => (await left()).join() === names.toSorted().join(), PATIENCE_MS);
      await expectLeft([`transship-${other.uid}`, 'users']);
      await rig.deletePod(other);
      await expectLeft(['users']);
      await rig.kubectl(['delete', 'pdb', 'users']);
      await untilGuarded(pod);
    },
    CASE_DEADLINE_MS,
  );
});
