import { createHash } from 'node:crypto';
import {
  BUDGET_LABEL,
  HELD_ANNOTATION,
  INCOMING_ANNOTATION,
  INCOMING_ENV,
  INCOMING_LABEL,
  MIGRATION_UID_LABEL,
  POD_DELETION_COST_ANNOTATION,
} from '@transship/crds';
import { heldOf, isOurs } from './held.ts';
import type { Pod, PodManifest, PodSpec } from './pod.ts';
import { placed } from './placed.ts';

/** What a migration asks of the pod that takes the set. */
export interface TargetWish {
  /** Of the DeviceMigration. */
  readonly uid: string;
  /** The pod is kept off this one. */
  readonly sourceNode: string;
  readonly nodeName?: string | undefined;
  readonly nodeSelector?: Readonly<Record<string, string>> | undefined;
}

/** A host name has 63 characters, and a pod's name is one. */
const NAME_MAX = 63;

/** Annotations that tell of the pod that they stand on, or that say what Transship says anew. */
const NOT_COPIED: readonly RegExp[] = [
  /^transship\.dev\//,
  /^kubectl\.kubernetes\.io\/last-applied-configuration$/,
  /^kubernetes\.io\/(config\.|limit-ranger$)/,
  /^k8s\.v1\.cni\.cncf\.io\/networks?-status$/,
  /^(cni\.projectcalico\.org|k8s\.ovn\.org)\//,
];

/** Of what the API server has filled in or computes anew, and of what a new pod may not have. */
const NOT_KEPT = ['nodeName', 'priority', 'preemptionPolicy', 'ephemeralContainers', 'schedulingGates'];
/** Prefix of the volume with the token of a service account. */
const TOKEN_VOLUME = 'kube-api-access-';
/** Tolerations that admission gives every pod, with this limit. */
const DEFAULT_TOLERATIONS = ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable'];
const DEFAULT_TOLERATION_SECONDS = 300;

/** Ends the name of every target pod: a letter that no controller ends a name with, and some of a hash. */
const SUFFIX = /-m[0-9a-f]{5}$/;

/**
 * The name of the target pod of a migration with this UID: the same for every process, so that nobody makes a second one. A
 * pod that has come by a migration itself is called after the one that it was before.
 */
export function targetPodName(sourceName: string, uid: string): string {
  const suffix = `-m${createHash('sha256').update(uid).digest('hex').slice(0, 5)}`;
  const base = sourceName.replace(SUFFIX, '').slice(0, NAME_MAX - suffix.length);
  return `${base.replace(/[-.]+$/, '')}${suffix}`;
}

/**
 * The pod that takes the set: as the source pod, on another node, told to wait for a workload that comes in, and found by
 * no owner, Service or budget before it runs. Its devices are what the set is given.
 */
export function targetPod(source: Pod, wish: TargetWish): PodManifest {
  const { labels = {}, annotations = {}, namespace } = source.metadata;
  const kept = Object.entries(labels).filter(([name]) => isOurs(name) && name !== BUDGET_LABEL);
  const copied = Object.entries(annotations).filter(
    ([name]) => name !== POD_DELETION_COST_ANNOTATION && !NOT_COPIED.some((pattern) => pattern.test(name)),
  );
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: targetPodName(source.metadata.name, wish.uid),
      namespace,
      labels: { ...Object.fromEntries(kept), [MIGRATION_UID_LABEL]: wish.uid, [INCOMING_LABEL]: 'true' },
      annotations: {
        ...Object.fromEntries(copied),
        [INCOMING_ANNOTATION]: 'true',
        [HELD_ANNOTATION]: JSON.stringify(heldOf(source)),
      },
    },
    spec: placed(incoming(renewed(source.spec)), wish),
  };
}

/** Without what belongs to the pod that runs. */
function renewed(spec: PodSpec): PodSpec {
  const { volumes, tolerations, containers, initContainers, ...rest } = spec;
  const kept = Object.fromEntries(Object.entries(rest).filter(([field]) => !NOT_KEPT.includes(field)));
  const ofToken = ({ name }: { readonly name: string }): boolean => name.startsWith(TOKEN_VOLUME);
  const withoutToken = (container: PodSpec['containers'][number]): PodSpec['containers'][number] => {
    const { volumeMounts, ...other } = container;
    const mounts = volumeMounts?.filter((mount) => !ofToken(mount)) ?? [];
    return mounts.length === 0 ? other : { ...other, volumeMounts: mounts };
  };
  const otherVolumes = volumes?.filter((volume) => !ofToken(volume)) ?? [];
  const otherTolerations = tolerations?.filter((toleration) => !isDefault(toleration)) ?? [];
  return {
    ...kept,
    containers: containers.map(withoutToken),
    ...(initContainers === undefined ? {} : { initContainers: initContainers.map(withoutToken) }),
    ...(otherVolumes.length === 0 ? {} : { volumes: otherVolumes }),
    ...(otherTolerations.length === 0 ? {} : { tolerations: otherTolerations }),
  };
}

const isDefault = (toleration: NonNullable<PodSpec['tolerations']>[number]): boolean =>
  DEFAULT_TOLERATIONS.includes(toleration.key ?? '') &&
  toleration['tolerationSeconds'] === DEFAULT_TOLERATION_SECONDS;

/** Each container is told that a workload comes in: it must start nothing of its own. */
function incoming(spec: PodSpec): PodSpec {
  const told = (container: PodSpec['containers'][number]): PodSpec['containers'][number] => {
    const env = container.env?.filter(({ name }) => name !== INCOMING_ENV) ?? [];
    return { ...container, env: [...env, { name: INCOMING_ENV, value: '1' }] };
  };
  const { containers, initContainers } = spec;
  return {
    ...spec,
    containers: containers.map(told),
    ...(initContainers === undefined ? {} : { initContainers: initContainers.map(told) }),
  };
}
