import { describe, expect, test } from '@jest/globals';
import { heldOf, readHeld } from '@transship/operator/internal/pods/held';
import { targetPod, targetPodName } from '@transship/operator/internal/pods/target-pod';
import { created, MIGRATION, REPLICA_SET, sourcePod } from './pods.ts';

const WISH = { uid: MIGRATION.uid, sourceNode: 'gpu-a' };
const OFF_SOURCE = { key: 'metadata.name', operator: 'NotIn', values: ['gpu-a'] };

describe('the name of a target pod', () => {
  test('is the same for every process and another for every migration', () => {
    const name = targetPodName('web-0', 'uid-1');
    expect(name).toMatch(/^web-0-m[0-9a-f]{5}$/);
    expect(targetPodName('web-0', 'uid-1')).toBe(name);
    expect(targetPodName('web-0', 'uid-2')).not.toBe(name);
  });

  test('is no longer than a host name, nor ends its first part in a mark', () => {
    const name = targetPodName(`${'a'.repeat(55)}-.${'b'.repeat(100)}`, 'uid-1');
    expect(name).toMatch(/^a{55}-m[0-9a-f]{5}$/);
  });

  test('does not grow from move to move', () => {
    const once = targetPodName('web-0', 'uid-1');
    expect(targetPodName(once, 'uid-2')).toBe(targetPodName('web-0', 'uid-2'));
  });
});

describe('a target pod', () => {
  test('has the devices, image and account of the source pod and nothing that belongs to that one', () => {
    const { spec } = targetPod(sourcePod(), WISH);
    expect(spec).toEqual({
      serviceAccountName: 'default',
      containers: [
        {
          name: 'main',
          image: 'example.org/web',
          env: [
            { name: 'A', value: 'b' },
            { name: 'TRANSSHIP_INCOMING', value: '1' },
          ],
          resources: { limits: { 'transship.dev/emulated': '2' } },
        },
      ],
      tolerations: [{ key: 'gpu', operator: 'Exists' }],
      affinity: {
        nodeAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: {
            nodeSelectorTerms: [{ matchFields: [OFF_SOURCE] }],
          },
        },
      },
    });
  });

  test('is found by nobody and has no owner, but keeps what it will be given', () => {
    const source = sourcePod({
      labels: {
        app: 'web',
        'transship.dev/migrate-on-drain': 'true',
        'transship.dev/budget': 'source-uid',
      },
      annotations: {
        note: 'kept',
        'transship.dev/incoming': 'true',
        'k8s.v1.cni.cncf.io/network-status': '[]',
        'controller.kubernetes.io/pod-deletion-cost': '5',
      },
      ownerReferences: [REPLICA_SET],
    });
    const { metadata } = targetPod(source, WISH);
    expect(metadata.labels).toEqual({
      'transship.dev/migrate-on-drain': 'true',
      'transship.dev/migration-uid': MIGRATION.uid,
      'transship.dev/incoming': 'true',
    });
    expect(Object.keys(metadata.annotations).toSorted()).toEqual([
      'note',
      'transship.dev/held',
      'transship.dev/incoming',
    ]);
    expect(metadata).not.toHaveProperty('ownerReferences');
    const held = readHeld(created(targetPod(source, WISH)));
    expect(held).toEqual({ labels: { app: 'web' }, ownerReferences: [REPLICA_SET], deletionCost: '5' });
    expect(held).toEqual(heldOf(source));
  });

  test('says of itself that it comes in even where its source came in the same way', () => {
    const env = [{ name: 'TRANSSHIP_INCOMING', value: '1' }];
    const { spec } = targetPod(sourcePod({}, { containers: [{ name: 'main', env }] }), WISH);
    expect(spec.containers[0]?.env).toEqual(env);
  });

  test('is kept off the source node in every alternative', () => {
    const zone = (value: string) => ({
      matchExpressions: [{ key: 'zone', operator: 'In', values: [value] }],
    });
    const required = { nodeSelectorTerms: [zone('a'), { ...zone('b'), matchFields: ['kept'] }] };
    const affinity = {
      podAntiAffinity: {},
      nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: required },
    };
    const { spec } = targetPod(sourcePod({}, { affinity }), WISH);
    expect(spec.affinity).toEqual({
      podAntiAffinity: {},
      nodeAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: {
          nodeSelectorTerms: [
            { ...zone('a'), matchFields: [OFF_SOURCE] },
            { ...zone('b'), matchFields: ['kept', OFF_SOURCE] },
          ],
        },
      },
    });
  });

  test('goes to the node that is asked for, and asks first for what the pod asks for', () => {
    const source = sourcePod({}, { nodeSelector: { zone: 'a' } });
    const { spec } = targetPod(source, {
      ...WISH,
      nodeName: 'gpu-b',
      nodeSelector: { zone: 'b', rack: '1' },
    });
    expect(spec.nodeSelector).toEqual({ zone: 'a', rack: '1' });
    expect(spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution).toEqual({
      nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['gpu-b'] }] }],
    });
  });
});

test('what a target pod was made with is not guessed where it is damaged', () => {
  const target = (text: string) => sourcePod({ annotations: { 'transship.dev/held': text } });
  expect(readHeld(target('{'))).toBeNull();
  expect(readHeld(target('{"labels":1}'))).toBeNull();
  expect(readHeld(sourcePod())).toBeNull();
});
