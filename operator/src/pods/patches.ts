import {
  API_VERSION,
  DEVICE_MIGRATION_KIND,
  HAND_OVER_ANNOTATION,
  HELD_ANNOTATION,
  INCOMING_ANNOTATION,
  INCOMING_LABEL,
  POD_DELETION_COST_ANNOTATION,
} from '@transship/crds';
import { ADOPTED, HIGHEST_COST, LOWEST_COST } from './names.ts';
import { hasJobFinalizer, ofJob } from './hand-over.ts';
import { heldOf, readHeld } from './held.ts';
import { JOB_FINALIZER } from './owner.ts';
import type { Pod } from './pod.ts';

/** One operation of an RFC 6902 patch. */
export type PodPatchOperation =
  | { readonly op: 'test' | 'add' | 'replace'; readonly path: string; readonly value: unknown }
  | { readonly op: 'remove'; readonly path: string };
export type PodPatch = readonly PodPatchOperation[];

/** The DeviceMigration as an owner. */
export interface MigrationReference {
  readonly name: string;
  readonly uid: string;
}

/** RFC 6901: `~` and `/` inside a member name. */
const at = (field: 'labels' | 'annotations', name: string): string =>
  `/metadata/${field}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`;

/** Sets members of a map, which is made where it is missing. */
function set(
  { metadata }: Pod,
  field: 'labels' | 'annotations',
  values: Readonly<Record<string, string>>,
): PodPatch {
  const each = Object.entries(values).map(
    ([name, value]) => ({ op: 'add', path: at(field, name), value }) as const,
  );
  const isMissing = metadata[field] === undefined && each.length > 0;
  return isMissing ? [{ op: 'add', path: `/metadata/${field}`, value: {} }, ...each] : each;
}

const unset = ({ metadata }: Pod, field: 'labels' | 'annotations', names: readonly string[]): PodPatch =>
  names
    .filter((name) => metadata[field]?.[name] !== undefined)
    .map((name) => ({ op: 'remove', path: at(field, name) }) as const);

/** Owners are replaced whole, so they have to be those that were read. */
function setOwners({ metadata }: Pod, owners: readonly object[]): PodPatch {
  const path = '/metadata/ownerReferences';
  const { ownerReferences } = metadata;
  const test = { op: 'test', path, value: ownerReferences ?? null } as const;
  if (owners.length > 0) return [test, { op: 'add', path, value: owners }];
  return ownerReferences === undefined ? [test] : [test, { op: 'remove', path }];
}

export const costSource = (source: Pod): PodPatch =>
  set(source, 'annotations', { [POD_DELETION_COST_ANNOTATION]: LOWEST_COST });

/** Labels by which Services, budgets and owners find it. It is of the greatest cost until it is let go. */
export function labelTarget(target: Pod): PodPatch {
  const { labels = {} } = readHeld(target) ?? {};
  return [
    ...set(target, 'annotations', { [POD_DELETION_COST_ANNOTATION]: HIGHEST_COST }),
    ...set(target, 'labels', labels),
  ];
}

/**
 * Gives it another owner, and takes from it what Services and budgets find it by: one that selects a pod of an owner that
 * cannot be scaled allows no disruption at all. A Job would count a pod of its own that is deleted as failed, and wait for
 * one that has its finalizer.
 */
export function freeSource(source: Pod, { name, uid }: MigrationReference): PodPatch {
  const owner = { apiVersion: API_VERSION, kind: DEVICE_MIGRATION_KIND, name, uid, controller: true };
  const index = hasJobFinalizer(source);
  const path = `/metadata/finalizers/${index}`;
  const noFinalizer: PodPatch =
    index < 0
      ? []
      : [
          { op: 'test', path, value: JOB_FINALIZER },
          { op: 'remove', path },
        ];
  const labels = Object.keys(heldOf(source).labels);
  return [...setOwners(source, [owner]), ...unset(source, 'labels', labels), ...noFinalizer];
}

/** With what the admission policy asks for; a Job counts only pods that have its finalizer. */
export function adoptTarget(target: Pod): PodPatch {
  const { ownerReferences = [] } = readHeld(target) ?? {};
  const needsFinalizer = ownerReferences.some(ofJob) && hasJobFinalizer(target) < 0;
  const { finalizers } = target.metadata;
  const finalizer: PodPatch = !needsFinalizer
    ? []
    : finalizers === undefined
      ? [{ op: 'add', path: '/metadata/finalizers', value: [JOB_FINALIZER] }]
      : [{ op: 'add', path: '/metadata/finalizers/-', value: JOB_FINALIZER }];
  return [
    ...set(target, 'annotations', { [HAND_OVER_ANNOTATION]: ADOPTED }),
    ...setOwners(target, ownerReferences),
    ...finalizer,
  ];
}

/** Takes the last signs away: from here on it is a pod like any other. */
export function letGo(target: Pod): PodPatch {
  const { deletionCost } = readHeld(target) ?? {};
  const mine = target.metadata.annotations?.[POD_DELETION_COST_ANNOTATION] === HIGHEST_COST;
  const cost: PodPatch = !mine
    ? []
    : deletionCost === undefined
      ? unset(target, 'annotations', [POD_DELETION_COST_ANNOTATION])
      : set(target, 'annotations', { [POD_DELETION_COST_ANNOTATION]: deletionCost });
  return [
    ...cost,
    ...unset(target, 'annotations', [HAND_OVER_ANNOTATION, HELD_ANNOTATION, INCOMING_ANNOTATION]),
    ...unset(target, 'labels', [INCOMING_LABEL]),
  ];
}

/**
 * What a controller would write to adopt the pod. Only ever sent as a dry run: it must be refused, or nothing would keep
 * the owner from counting two pods for one.
 */
export const adoptionByAnother = (target: Pod, { name, uid }: MigrationReference): PodPatch => [
  ...setOwners(target, [
    ...(target.metadata.ownerReferences ?? []),
    { apiVersion: API_VERSION, kind: DEVICE_MIGRATION_KIND, name, uid },
  ]),
];
