import { describe, expect, test } from '@jest/globals';
import { controllerOf } from '@transship/operator/internal/pods/pod';
import { begin, counted, deleted, letGone, take, toTheEnd, type World } from './pod-world.ts';
import { JOB, MIGRATION, REPLICA_SET } from './pods.ts';

const TRACKING = 'batch.kubernetes.io/job-tracking';
const SELECTOR = ['app'];
const OWNED = ['costSource', 'labelTarget', 'freeSource', 'adoptTarget', 'deleteSource'];

const CASES = [
  { name: 'nobody', world: begin(null), steps: ['labelTarget', 'deleteSource'], owner: undefined },
  { name: 'a ReplicaSet', world: begin(REPLICA_SET), steps: OWNED, owner: REPLICA_SET },
  { name: 'a Job', world: begin(JOB, [TRACKING, 'example.org/mine']), steps: OWNED, owner: JOB },
];

/** Every state between two steps, the first and the last included. */
function between(world: World): World[] {
  const states = [world];
  for (let now = world; ;) {
    const { step, world: next } = take(now);
    if (step.kind === 'done') return states;
    states.push(next);
    now = next;
  }
}

describe.each(CASES)('a pod of $name', ({ world, steps, owner }) => {
  const end = toTheEnd(world).world;

  test('is handed over in this order', () => {
    expect(toTheEnd(world).steps).toEqual(steps);
    expect(end.target?.metadata.labels).toMatchObject({ app: 'web', 'pod-template-hash': 'abc' });
    expect(end.source?.metadata.deletionTimestamp).toBe('now');
    expect(end.target === null ? null : controllerOf(end.target)).toEqual(owner);
  });

  test('comes to the same end whoever goes on, after whichever step', () => {
    for (const [index, state] of between(world).entries()) {
      expect(toTheEnd(state)).toEqual({ steps: steps.slice(index), world: end });
    }
  });

  test('is a pod like any other in the end', () => {
    const { target } = letGone(end);
    expect(target?.metadata.annotations).toEqual({});
    expect(Object.keys(target?.metadata.labels ?? {})).not.toContain('transship.dev/incoming');
    expect(toTheEnd(letGone(end)).steps).toEqual([]);
  });
});

describe.each([REPLICA_SET, JOB])('the controller of a $kind', (owner) => {
  const finalizers = owner === JOB ? [TRACKING] : undefined;

  test('counts one pod or stands still, at every moment', () => {
    const seen = between(begin(owner, finalizers)).map((state) => counted(state, owner.uid, SELECTOR));
    // begin, costSource, labelTarget, freeSource, adoptTarget, deleteSource
    expect(seen).toEqual([1, 1, null, null, 1, 1]);
  });

  test('has its pod back when the source was deleted by hand in between', () => {
    for (const state of between(begin(owner, finalizers))) {
      for (const source of [deleted(state.source), null]) {
        const { world } = toTheEnd({ ...state, source });
        expect(counted(world, owner.uid, SELECTOR)).toBe(1);
      }
    }
  });
});

test('a pod of a Job is counted by it at the target alone', () => {
  const { source, target } = toTheEnd(begin(JOB, [TRACKING, 'example.org/mine'])).world;
  expect(source?.metadata.finalizers).toEqual(['example.org/mine']);
  expect(source?.metadata.labels).toEqual({});
  expect(target?.metadata.finalizers).toEqual([TRACKING]);
  expect(source === null ? null : controllerOf(source)).toMatchObject({
    kind: 'DeviceMigration',
    ...MIGRATION,
  });
});

test('a pod whose owner was deleted without its pods belongs to nobody', () => {
  const { source, target } = begin(REPLICA_SET);
  if (source === null) throw new Error('no source');
  const { ownerReferences: _, ...metadata } = source.metadata;
  const { steps, world } = toTheEnd({ source: { ...source, metadata }, target });
  expect(steps).toEqual(['labelTarget', 'deleteSource']);
  expect(world.target?.metadata.ownerReferences).toBeUndefined();
});

test.each([REPLICA_SET, JOB])(
  'a source pod of a $kind is freed also where the target pod was adopted too early',
  (owner) => {
    const finalizers = owner === JOB ? [TRACKING] : undefined;
    const { source, target } = take(take(begin(owner, finalizers)).world).world;
    if (target === null) throw new Error('no target');
    const metadata = { ...target.metadata, ownerReferences: [owner] };
    const { steps, world } = toTheEnd({ source, target: { ...target, metadata } });
    expect(steps).toEqual(['freeSource', 'deleteSource']);
    expect(world.source?.metadata.finalizers ?? []).not.toContain(TRACKING);
  },
);

test('where the target pod is gone the source pod goes too, and its owner makes another', () => {
  const { source } = begin(REPLICA_SET);
  expect(toTheEnd({ source, target: null }).steps).toEqual(['deleteSource']);
  expect(toTheEnd({ source: null, target: null }).steps).toEqual([]);
});

test('nothing is given to a target pod whose notes somebody has damaged', () => {
  const { source, target } = begin(REPLICA_SET);
  if (target === null) throw new Error('no target');
  const damaged = {
    ...target,
    metadata: { ...target.metadata, annotations: { 'transship.dev/held': '{' } },
  };
  expect(toTheEnd({ source, target: damaged }).steps).toEqual(['deleteSource']);
});
