import { expect, test } from '@jest/globals';
import { ownerVerdict } from '@transship/operator/internal/pods/owner';
import { JOB, REPLICA_SET, sourcePod } from './pods.ts';

const of = (owner: object) => sourcePod({ ownerReferences: [{ ...REPLICA_SET, ...owner }] });

test.each([
  ['nobody', sourcePod(), 'none'],
  ['one that does not manage it', of({ kind: 'StatefulSet', controller: false }), 'none'],
  ['a ReplicaSet', of({}), 'ReplicaSet'],
  ['a Job', of(JOB), 'Job'],
])('a pod of %s can be replaced', (_, pod, kind) => {
  expect(ownerVerdict(pod)).toMatchObject({ ok: true, owner: { kind } });
});

test.each([
  ['apps/v1', 'StatefulSet', 'two pods cannot have one name'],
  ['apps/v1', 'DaemonSet', 'one pod on each of its nodes'],
  ['v1', 'Node', 'static pod'],
  ['v1', 'ReplicationController', 'nothing is known'],
  ['example.org/v1', 'ReplicaSet', 'nothing is known'],
])('a pod of %s %s cannot, and it is said why', (apiVersion, kind, why) => {
  const verdict = ownerVerdict(of({ apiVersion, kind }));
  expect(verdict).toMatchObject({ ok: false, failure: { code: 'UnsupportedOwner' } });
  expect(verdict).toHaveProperty('failure.message', expect.stringContaining(why));
});
