import { HAND_OVER_ANNOTATION, INCOMING_LABEL, POD_DELETION_COST_ANNOTATION } from '@transship/crds';
import { LOWEST_COST } from './names.ts';
import { JOB_FINALIZER } from './owner.ts';
import { readHeld, type Held } from './held.ts';
import { controllerOf, isTerminating, type OwnerReference, type Pod } from './pod.ts';

/**
 * The next thing to do so that the target pod stands where the source pod stood. Each is one write of one object, and the
 * next one follows from what the pods look like then: whoever goes on after a crash takes the same way.
 *
 * A ReplicaSet that owns one pod too few makes another, and one that owns one too many deletes the least ready, whichever
 * that is; a Job does the same, and counts one that is deleted as failed. Two pods cannot change in one write. But neither
 * controller does anything while it cannot adopt a pod that matches its selector and has no owner. So the target pod is
 * first given the labels while an admission policy keeps it from being adopted; then the source pod gets another owner,
 * then the target pod gets theirs. A controller sees the pods change in the order of the writes.
 */
export type HandOverStep =
  /** Defence in depth: were one deleted after all, it would be the source pod. */
  | { readonly kind: 'costSource' }
  /** The owner, if there is one, sees the target pod and cannot adopt it: it stands still until `adoptTarget`. */
  | { readonly kind: 'labelTarget' }
  /** The migration becomes the owner of the source pod, so that the one before neither counts nor misses it. */
  | { readonly kind: 'freeSource' }
  | { readonly kind: 'adoptTarget' }
  | { readonly kind: 'deleteSource' }
  | { readonly kind: 'done' };

const DONE: HandOverStep = { kind: 'done' };

/** `source`, `target`: as they are now; null: gone, or another pod of that name. */
export function handOverStep(source: Pod | null, target: Pod | null, migrationUid: string): HandOverStep {
  if (target !== null) {
    const before = beforeDeletion(source, target, migrationUid);
    if (before !== null) return { kind: before };
  }
  return source === null || isTerminating(source) ? DONE : { kind: 'deleteSource' };
}

function beforeDeletion(
  source: Pod | null,
  target: Pod,
  migrationUid: string,
): 'costSource' | 'labelTarget' | 'freeSource' | 'adoptTarget' | null {
  const held = readHeld(target);
  // Handed over to the end, or damaged by somebody: what is not known is not given.
  if (held === null || target.metadata.labels?.[INCOMING_LABEL] === undefined) return null;
  const owner = ownerToBe(held, source, migrationUid);
  const ownsSource = source !== null && controllerOf(source)?.uid !== migrationUid;
  if (owner !== null && controllerOf(target)?.uid === owner.uid) {
    // Adopted before its time, by a controller that was not kept from it: the source pod is not to be missed all the same.
    return ownsSource ? 'freeSource' : null;
  }
  const isLabelled = Object.entries(held.labels).every(
    ([name, value]) => target.metadata.labels?.[name] === value,
  );
  if (owner === null) return isLabelled ? null : 'labelTarget';
  if (!isLabelled) {
    const cost = source?.metadata.annotations?.[POD_DELETION_COST_ANNOTATION];
    return ownsSource && cost !== LOWEST_COST ? 'costSource' : 'labelTarget';
  }
  return ownsSource ? 'freeSource' : 'adoptTarget';
}

/**
 * Who is to own the target pod; null: nobody. A source pod that was orphaned meanwhile has an owner that is to be deleted
 * without its pods: given that one, the target pod would be deleted as a left-over of it.
 */
function ownerToBe(held: Held, source: Pod | null, migrationUid: string): OwnerReference | null {
  const before = held.ownerReferences.find(({ controller }) => controller === true);
  if (before === undefined) return null;
  if (source === null) return before;
  const now = controllerOf(source)?.uid;
  return now === before.uid || now === migrationUid ? before : null;
}

/** Whether the target pod has been given all but its last signs of coming in. */
export const isIncoming = ({ metadata }: Pod): boolean =>
  metadata.labels?.[INCOMING_LABEL] !== undefined ||
  metadata.annotations?.[HAND_OVER_ANNOTATION] !== undefined;

export const ofJob = ({ apiVersion, kind }: OwnerReference): boolean =>
  apiVersion === 'batch/v1' && kind === 'Job';

export const hasJobFinalizer = ({ metadata }: Pod): number =>
  metadata.finalizers?.indexOf(JOB_FINALIZER) ?? -1;
