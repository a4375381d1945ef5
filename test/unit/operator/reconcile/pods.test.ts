import { describe, expect, test } from '@jest/globals';
import type { DeviceMigrationManifest } from '@transship/crds';
import { controllerOf, type Pod } from '@transship/operator/internal/pods/pod';
import { podManifest } from '../../../support/bad-manifests.ts';
import { FakePods, Killed } from '../pods/fake-pods.ts';
import { deleted } from '../pods/pod-world.ts';
import { REPLICA_SET, sourcePod } from '../pods/pods.ts';
import { Loop } from './loop.ts';
import { MemoryStore } from './memory-store.ts';

const SOURCE = 'trainer-0';
const MINUTE_MS = 60_000;

const trainer = (metadata: object = {}, spec: object = {}): Pod =>
  sourcePod(
    { name: SOURCE, namespace: 'default', uid: '4f1a-0', ownerReferences: [REPLICA_SET], ...metadata },
    spec,
  );

/** Two nodes with a kubelet each; the one of gpu-b gives its devices to whichever pod comes in. */
class Scene {
  readonly pods: FakePods;
  readonly store: MemoryStore;
  loop: Loop;

  constructor(source: Pod | null = trainer(), manifest: DeviceMigrationManifest = podManifest(SOURCE)) {
    this.pods = new FakePods(...(source === null ? [] : [source]));
    this.store = new MemoryStore(manifest);
    this.loop = new Loop(this.store, 'operator-1', undefined, this.pods);
    const { source: a, target: b } = this.loop;
    for (const agent of [a, b]) agent.podResources = { known: true, message: '', unknownDevices: [] };
    const held = (name: string) => ({ pod: { namespace: 'default', name } });
    a.describes = (device) => ({ ...device, ...held(SOURCE) });
    b.describes = (device) => {
      const target = this.target;
      return target?.spec.nodeName === 'gpu-b' ? { ...device, ...held(target.metadata.name) } : device;
    };
  }

  get target(): Pod | null {
    return [...this.pods.pods.values()].find(({ metadata }) => metadata.name !== SOURCE) ?? null;
  }

  get source(): Pod | null {
    return this.pods.pods.get(SOURCE) ?? null;
  }

  /** The scheduler's part. */
  schedule(): void {
    const name = this.target?.metadata.name;
    if (name === undefined) throw new Error('no target pod');
    this.pods.change(name, (pod) => ({ ...pod, spec: { ...pod.spec, nodeName: 'gpu-b' } }));
  }

  async until(done: () => boolean): Promise<void> {
    for (let turn = 0; turn < 40 && !done(); turn += 1) await this.loop.run(1);
    expect(done()).toBe(true);
  }

  condition(): unknown {
    const { conditions = [] } = this.store.stored?.status ?? {};
    const found = conditions.find(({ type }) => type === 'TargetPod');
    return found === undefined ? null : `${found.status} ${found.reason}`;
  }

  get ended(): string {
    const { status, finalizerPresent, podsFinalizerPresent } = this.store.stored ?? {};
    const left = [finalizerPresent === true, podsFinalizerPresent === true];
    return `${status?.phase} ${status?.error?.code ?? ''} ${left.join(' ')}`;
  }
}

test('the set goes where its target pod was given devices, and that pod takes the place of the source pod', async () => {
  const scene = new Scene();
  await scene.loop.run(2);
  expect(scene.target?.spec.nodeName).toBeUndefined();
  expect(scene.condition()).toBe('False WaitingForNode');
  expect(scene.loop.source.heard).toEqual([]);
  scene.schedule();
  await scene.loop.run();

  expect(scene.ended).toBe('Succeeded  false false');
  expect(scene.condition()).toBe('True HandedOver');
  const { metadata } = scene.target ?? trainer();
  expect(scene.store.stored?.status).toMatchObject({
    sourcePod: { name: SOURCE, uid: '4f1a-0' },
    targetPod: { name: metadata.name, uid: 'target-uid', nodeName: 'gpu-b' },
  });
  expect(scene.store.stored?.status.devices?.map(({ source, target }) => [source, target])).toEqual([
    ['gpu-a/0', 'gpu-b/0'],
    ['gpu-a/1', 'gpu-b/1'],
  ]);
  expect(metadata.ownerReferences).toEqual([REPLICA_SET]);
  expect(metadata.labels).toEqual({
    app: 'web',
    'pod-template-hash': 'abc',
    'transship.dev/migration-uid': 'uid-1',
  });
  expect(scene.source?.metadata.deletionTimestamp).toBe('now');
  expect(scene.loop.events).toEqual(expect.arrayContaining(['Normal Reserved', 'Normal HandedOver']));
});

test('a pod of whose devices its agent has not heard yet is waited for, and rejected after a minute', async () => {
  for (const isLate of [false, true]) {
    const scene = new Scene();
    const { describes } = scene.loop.source;
    scene.loop.source.describes = (device) => device;
    await scene.loop.run(2);
    scene.schedule();
    await scene.loop.run(2);
    expect(scene.ended).toBe('Preparing  true true');
    if (isLate) scene.loop.clock.jump(MINUTE_MS);
    else scene.loop.source.describes = describes;
    await scene.loop.run();
    expect(scene.ended).toBe(isLate ? 'Rejected NoDevices false false' : 'Succeeded  false false');
  }
});

test('the source is released only once its pod is being deleted', async () => {
  const scene = new Scene();
  let refuse = true;
  const patch = scene.pods.patch.bind(scene.pods);
  scene.pods.patch = (ref, what) =>
    refuse && ref.name === SOURCE
      ? Promise.resolve({ kind: 'refused', message: 'not now' })
      : patch(ref, what);
  await scene.loop.run(2);
  scene.schedule();
  await scene.loop.run(20);
  expect(scene.loop.target.node.agent?.session.phase).toBe('Active');
  expect(scene.loop.source.heard).not.toContain('release');
  expect(scene.condition()).toBe('False HandingOver');
  refuse = false;
  await scene.loop.run();
  expect(scene.ended).toBe('Succeeded  false false');
});

describe.each([
  ['a ReplicaSet', [REPLICA_SET]],
  ['nobody', undefined],
])('where the pod belongs to %s', (_, ownerReferences) => {
  const begin = (): Scene => new Scene(trainer({ ownerReferences }));

  async function toTheEnd(scene: Scene): Promise<void> {
    for (let turn = 0; turn < 60 && scene.store.stored?.podsFinalizerPresent !== false; turn += 1) {
      if (scene.target !== null && scene.target.spec.nodeName === undefined) scene.schedule();
      try {
        await scene.loop.run(1);
      } catch (error) {
        if (!(error instanceof Killed)) throw error;
        scene.pods.killed = null;
        const { source, target, fallback } = scene.loop;
        scene.loop = new Loop(scene.store, `operator-${turn}`, { source, target, fallback }, scene.pods);
      }
    }
    await scene.loop.run();
  }

  const outcome = ({ source, target, ended, pods }: Scene): object => ({
    ended,
    source: source?.metadata,
    target: target?.metadata,
    owner: target === null ? undefined : controllerOf(target),
    count: pods.pods.size,
  });

  test('it ends the same whenever the operator is killed, before or behind each of its writes', async () => {
    const whole = begin();
    await toTheEnd(whole);
    const { writes } = whole.pods;
    expect(writes).toHaveLength(ownerReferences === undefined ? 4 : 7);
    for (const at of writes.keys()) {
      for (const applied of [false, true]) {
        const scene = begin();
        scene.pods.killed = { at, applied };
        await toTheEnd(scene);
        expect(scene.pods.killed).toBeNull();
        expect({ at, applied, ...outcome(scene) }).toEqual({ at, applied, ...outcome(whole) });
        expect(scene.pods.writes).toEqual(writes);
      }
    }
  });
});

describe('nothing is touched', () => {
  test.each([
    ['there is no such pod', null, 'PodNotFound'],
    ['another one has its name', trainer({ uid: 'other' }), 'PodNotFound'],
    ['it runs elsewhere', trainer({}, { nodeName: 'gpu-c' }), 'PodNotFound'],
    ['it is being deleted', deleted(trainer()), 'PodNotFound'],
    ['it has ended', { ...trainer(), status: { phase: 'Failed' } }, 'PodNotFound'],
    ['it comes in itself', trainer({ labels: { 'transship.dev/incoming': 'true' } }), 'PodNotFound'],
    [
      'its owner names it',
      trainer({ ownerReferences: [{ ...REPLICA_SET, kind: 'StatefulSet' }] }),
      'UnsupportedOwner',
    ],
    [
      'its claim is bound to the node',
      trainer({}, { resourceClaims: [{ name: 'gpu', resourceClaimName: 'mine' }] }),
      'TargetUnschedulable',
    ],
  ])('where %s', async (_, pod, code) => {
    const scene = new Scene(pod);
    await scene.loop.run();
    expect(scene.ended).toBe(`Rejected ${code} false false`);
    expect(scene.pods.writes).toEqual([]);
    expect(scene.loop.source.heard).toEqual([]);
  });
});

describe('the target pod is deleted and the source left alone', () => {
  const expectGone = (scene: Scene, phase: string): void => {
    expect(scene.ended).toBe(`${phase} false false`);
    expect(scene.target?.metadata.deletionTimestamp).toBe('now');
    expect(scene.condition()).toBe('False Deleted');
    expect(scene.source?.metadata).toEqual(trainer().metadata);
  };

  test('where nothing would keep its owner still', async () => {
    const scene = new Scene();
    scene.pods.guarded = false;
    await scene.loop.run();
    expectGone(scene, 'Rejected UnsupportedOwner');
  });

  test('where no node is found within 5 minutes', async () => {
    const scene = new Scene();
    await scene.loop.run(2);
    scene.loop.clock.jump(4 * MINUTE_MS);
    await scene.loop.run(2);
    expect(scene.ended).toBe('Preparing  true true');
    scene.loop.clock.jump(2 * MINUTE_MS);
    await scene.loop.run();
    expectGone(scene, 'Rejected TargetUnschedulable');
  });

  test('where its node has not given it devices within 15 minutes', async () => {
    const scene = new Scene();
    scene.loop.target.describes = (device) => device;
    await scene.loop.run(2);
    scene.schedule();
    await scene.loop.run(2);
    expect(scene.condition()).toBe('False WaitingForDevices');
    scene.loop.clock.jump(14 * MINUTE_MS);
    await scene.loop.run(2);
    expect(scene.ended).toBe('Preparing  true true');
    scene.loop.clock.jump(2 * MINUTE_MS);
    await scene.loop.run();
    expectGone(scene, 'Rejected TargetUnschedulable');
  });

  test('where it has a device that nobody can move', async () => {
    const scene = new Scene();
    await scene.loop.run(2);
    const pod = { namespace: 'default', name: scene.target?.metadata.name ?? '' };
    const unknownDevices = [{ pod, resource: 'example.org/nic', device: '1', reason: 'it is not listed' }];
    scene.loop.target.podResources = { known: true, message: '', unknownDevices };
    scene.schedule();
    await scene.loop.run();
    expectGone(scene, 'Rejected SetIncomplete');
  });

  test('where it has another number of devices', async () => {
    const scene = new Scene();
    const { describes } = scene.loop.target;
    scene.loop.target.describes = (device) => (device.id.endsWith('/0') ? { ...device } : describes(device));
    await scene.loop.run(2);
    scene.schedule();
    await scene.loop.run();
    expectGone(scene, 'Rejected PairingImpossible');
  });

  test('where the migration is cancelled before it has a node, and after', async () => {
    const early = new Scene();
    await early.loop.run(2);
    early.store.requestDeletion();
    await early.loop.run();
    expectGone(early, 'Aborted Cancelled');

    const late = new Scene();
    await late.loop.run(2);
    late.schedule();
    await late.until(() => late.loop.source.heard.includes('preCopy'));
    late.store.requestDeletion();
    await late.loop.run();
    expectGone(late, 'Aborted Cancelled');
  });

  test('where it is deleted by hand before the decision', async () => {
    const scene = new Scene();
    await scene.loop.run(2);
    scene.schedule();
    await scene.until(() => scene.loop.source.heard.includes('preCopy'));
    scene.pods.change(scene.target?.metadata.name ?? '', deleted);
    scene.loop.clock.jump(5_000);
    await scene.loop.run();
    expectGone(scene, 'Failed TargetPodLost');
    expect(scene.loop.source.node.agent?.session.phase).toBe('RolledBack');
  });
});

test('a source pod that is deleted by hand before the decision takes its target pod with it', async () => {
  const scene = new Scene();
  await scene.loop.run(2);
  scene.schedule();
  await scene.until(() => scene.loop.source.heard.includes('preCopy'));
  scene.pods.change(SOURCE, deleted);
  scene.loop.clock.jump(5_000);
  await scene.loop.run();
  expect(scene.ended).toBe('Failed TargetPodLost false false');
  expect(scene.loop.source.node.agent?.session.phase).toBe('RolledBack');
  expect(scene.target?.metadata.deletionTimestamp).toBe('now');
});

describe('a migration that has ended as TargetLost', () => {
  /** Commit is recorded, and nobody knows which of the two sides is to be kept. */
  async function lost(): Promise<Scene> {
    const scene = new Scene();
    await scene.loop.run(2);
    scene.schedule();
    await scene.until(() => scene.store.stored?.status.targetPod !== undefined);
    const { stored } = scene.store;
    if (stored === null) throw new Error('no record');
    const end = {
      phase: 'Failed',
      completedAt: '2026-01-01T01:00:00Z',
      decision: { value: 'Commit' },
    } as const;
    scene.store.stored = { ...stored, status: { ...stored.status, ...end } };
    await scene.loop.run();
    return scene;
  }

  test('leaves both pods as they are', async () => {
    const scene = await lost();
    expect(scene.ended).toBe('Failed  false true');
    for (const pod of [scene.source, scene.target])
      expect(pod?.metadata).not.toHaveProperty('deletionTimestamp');
  });

  test('has its target pod deleted once a person has taken the set back', async () => {
    const scene = await lost();
    const { stored } = scene.store;
    if (stored === null) throw new Error('no record');
    scene.store.stored = { ...stored, status: { ...stored.status, decision: { value: 'Revert' } } };
    await scene.loop.run();
    expect(scene.ended).toBe('Failed  false false');
    expect(scene.target?.metadata.deletionTimestamp).toBe('now');
    expect(scene.source?.metadata).not.toHaveProperty('deletionTimestamp');
  });

  test('may be deleted, and leaves both pods then too', async () => {
    const scene = await lost();
    scene.store.requestDeletion();
    await scene.loop.run();
    expect(scene.ended).toBe('Failed  false false');
    for (const pod of [scene.source, scene.target])
      expect(pod?.metadata).not.toHaveProperty('deletionTimestamp');
  });
});
