import { GROUP_SIZE, RESOURCE } from './node.ts';

type Labels = Readonly<Record<string, string>>;

/** Spec of a pod with one workload's devices. */
export const podSpec = (restartPolicy: 'Always' | 'OnFailure' | 'Never' = 'Always') => ({
  restartPolicy,
  terminationGracePeriodSeconds: 30,
  containers: [
    {
      name: 'main',
      image: 'example.org/trainer',
      resources: { limits: { [RESOURCE]: String(GROUP_SIZE) } },
    },
  ],
});

export const barePod = (name: string, labels: Labels = {}) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: 'default', labels },
  spec: podSpec(),
});

type Owner = 'ReplicaSet' | 'Deployment' | 'StatefulSet';

/** An owner of pods that it finds by `app: <name>`. */
export const appOf = (kind: Owner, name: string, replicas: number, labels: Labels = {}) => ({
  apiVersion: 'apps/v1',
  kind,
  metadata: { name, namespace: 'default' },
  spec: {
    replicas,
    selector: { matchLabels: { app: name } },
    ...(kind === 'StatefulSet' ? { serviceName: name } : {}),
    template: { metadata: { labels: { app: name, ...labels } }, spec: podSpec() },
  },
});

export const jobOf = (name: string, labels: Labels = {}) => ({
  apiVersion: 'batch/v1',
  kind: 'Job',
  metadata: { name, namespace: 'default' },
  spec: { backoffLimit: 0, template: { metadata: { labels }, spec: podSpec('Never') } },
});
