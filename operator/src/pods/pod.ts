import { z } from 'zod';

/** metav1.OwnerReference. */
const ownerReference = z.looseObject({
  apiVersion: z.string(),
  kind: z.string(),
  name: z.string(),
  uid: z.string(),
  controller: z.boolean().optional(),
});

const container = z.looseObject({
  name: z.string(),
  env: z.array(z.looseObject({ name: z.string() })).optional(),
  volumeMounts: z.array(z.looseObject({ name: z.string() })).optional(),
});

const nodeSelectorTerm = z.looseObject({ matchFields: z.array(z.unknown()).optional() });

/** core/v1 PodSpec as far as a clone touches it; all else is kept as it is. */
const podSpec = z.looseObject({
  nodeName: z.string().optional(),
  containers: z.array(container),
  initContainers: z.array(container).optional(),
  volumes: z.array(z.looseObject({ name: z.string() })).optional(),
  tolerations: z.array(z.looseObject({ key: z.string().optional() })).optional(),
  nodeSelector: z.record(z.string(), z.string()).optional(),
  resourceClaims: z
    .array(z.looseObject({ name: z.string(), resourceClaimName: z.string().optional() }))
    .optional(),
  affinity: z
    .looseObject({
      nodeAffinity: z
        .looseObject({
          requiredDuringSchedulingIgnoredDuringExecution: z
            .looseObject({ nodeSelectorTerms: z.array(nodeSelectorTerm) })
            .optional(),
        })
        .optional(),
    })
    .optional(),
});

/** core/v1 Pod, as far as it matters here. */
export const pod = z.looseObject({
  metadata: z.looseObject({
    name: z.string(),
    namespace: z.string(),
    uid: z.string(),
    creationTimestamp: z.string(),
    deletionTimestamp: z.string().nullish(),
    labels: z.record(z.string(), z.string()).optional(),
    annotations: z.record(z.string(), z.string()).optional(),
    ownerReferences: z.array(ownerReference).optional(),
    finalizers: z.array(z.string()).optional(),
  }),
  spec: podSpec,
  status: z
    .looseObject({
      phase: z.string().optional(),
      conditions: z
        .array(
          z.looseObject({
            type: z.string(),
            status: z.string(),
            reason: z.string().optional(),
            message: z.string().optional(),
          }),
        )
        .optional(),
    })
    .optional(),
});

export type Pod = z.output<typeof pod>;
export type PodSpec = z.output<typeof podSpec>;
export type OwnerReference = z.output<typeof ownerReference>;

/** A pod that is to be created. */
export interface PodManifest {
  readonly apiVersion: 'v1';
  readonly kind: 'Pod';
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly labels: Readonly<Record<string, string>>;
    readonly annotations: Readonly<Record<string, string>>;
  };
  readonly spec: PodSpec;
}

/** The one owner that manages the pod; undefined: nobody does. */
export const controllerOf = ({ metadata }: Pod): OwnerReference | undefined =>
  metadata.ownerReferences?.find(({ controller }) => controller === true);

export const isTerminating = ({ metadata }: Pod): boolean => (metadata.deletionTimestamp ?? null) !== null;
