import type { Failure } from '@transship/node-agent/contract';
import { failure } from '../core/index.ts';
import { controllerOf, type OwnerReference, type Pod } from './pod.ts';

/** batch/v1: the Job controller counts a pod that has it, once it has ended, and takes it away then. */
export const JOB_FINALIZER = 'batch.kubernetes.io/job-tracking';

/** How a moved pod is given to the owner of the one before. */
export type Owner =
  /** Nobody manages the pod. */
  | { readonly kind: 'none' }
  /** Matches pods by labels, and does nothing at all while it cannot adopt one that matches. */
  | { readonly kind: 'ReplicaSet' | 'Job'; readonly reference: OwnerReference };

export type OwnerVerdict =
  { readonly ok: true; readonly owner: Owner } | { readonly ok: false; readonly failure: Failure };

/** Why a kind cannot be given another pod in the place of one of its own. */
const REFUSED: Readonly<Record<string, string>> = {
  'apps/v1 StatefulSet':
    'a StatefulSet knows its members by their names, and two pods cannot have one name at the same time',
  'apps/v1 DaemonSet': 'a DaemonSet runs one pod on each of its nodes, so that none of them can move',
  'v1 Node': 'a static pod belongs to its node',
};

/** Whether a pod can be replaced under its owner by one with another name, on another node. */
export function ownerVerdict(pod: Pod): OwnerVerdict {
  const reference = controllerOf(pod);
  if (reference === undefined) return { ok: true, owner: { kind: 'none' } };
  const { apiVersion, kind, name } = reference;
  if (apiVersion === 'apps/v1' && kind === 'ReplicaSet') return { ok: true, owner: { kind, reference } };
  if (apiVersion === 'batch/v1' && kind === 'Job') return { ok: true, owner: { kind, reference } };
  const why = REFUSED[`${apiVersion} ${kind}`] ?? 'nothing is known of how that kind replaces its pods';
  const message = `pod ${pod.metadata.name} belongs to ${kind} ${name}: ${why}`;
  return { ok: false, failure: failure('UnsupportedOwner', message) };
}
