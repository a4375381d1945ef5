import { targetPod } from '@transship/operator/internal/pods/target-pod';
import { pod, type OwnerReference, type Pod, type PodManifest } from '@transship/operator/internal/pods/pod';

export const MIGRATION = { name: 'evac-1', uid: 'migration-uid' };

export const REPLICA_SET: OwnerReference = {
  apiVersion: 'apps/v1',
  kind: 'ReplicaSet',
  name: 'web',
  uid: 'replica-set-uid',
  controller: true,
  blockOwnerDeletion: true,
};
export const JOB: OwnerReference = { ...REPLICA_SET, apiVersion: 'batch/v1', kind: 'Job', uid: 'job-uid' };

/** A pod as an API server gives it back, that runs on gpu-a. */
export function sourcePod(metadata: object = {}, spec: object = {}): Pod {
  return pod.parse({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: 'web-0',
      namespace: 'ml',
      uid: 'source-uid',
      resourceVersion: '1',
      creationTimestamp: '2026-01-01T00:00:00Z',
      labels: { app: 'web', 'pod-template-hash': 'abc' },
      ...metadata,
    },
    spec: {
      nodeName: 'gpu-a',
      priority: 0,
      preemptionPolicy: 'PreemptLowerPriority',
      serviceAccountName: 'default',
      containers: [
        {
          name: 'main',
          image: 'example.org/web',
          env: [{ name: 'A', value: 'b' }],
          resources: { limits: { 'transship.dev/emulated': '2' } },
          volumeMounts: [{ name: 'kube-api-access-x', mountPath: '/var/run/secrets' }],
        },
      ],
      volumes: [{ name: 'kube-api-access-x', projected: {} }],
      tolerations: [
        {
          key: 'node.kubernetes.io/not-ready',
          operator: 'Exists',
          effect: 'NoExecute',
          tolerationSeconds: 300,
        },
        { key: 'gpu', operator: 'Exists' },
      ],
      ...spec,
    },
    status: { phase: 'Running' },
  });
}

/** What an API server makes of a manifest. */
export function created({ metadata, ...rest }: PodManifest, more: object = {}): Pod {
  return pod.parse({
    ...rest,
    metadata: { uid: 'target-uid', creationTimestamp: '2026-01-01T00:00:10Z', ...metadata, ...more },
    status: { phase: 'Pending' },
  });
}

export const targetOf = (source: Pod): Pod =>
  created(targetPod(source, { uid: MIGRATION.uid, sourceNode: 'gpu-a' }));
