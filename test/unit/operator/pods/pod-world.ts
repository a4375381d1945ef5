import { handOverStep, type HandOverStep } from '@transship/operator/internal/pods/hand-over';
import {
  adoptTarget,
  costSource,
  freeSource,
  labelTarget,
  letGo,
  type PodPatch,
} from '@transship/operator/internal/pods/patches';
import { controllerOf, pod, type Pod } from '@transship/operator/internal/pods/pod';
import { MIGRATION, sourcePod, targetOf } from './pods.ts';

interface Members {
  [name: string]: unknown;
}

const namesOf = (path: string): string[] =>
  path
    .split('/')
    .slice(1)
    .map((name) => name.replaceAll('~1', '/').replaceAll('~0', '~'));

/** What an API server makes of a patch; null: a test of it fails, or it names what is not there. */
export function patched(before: Pod, patch: PodPatch): Pod | null {
  const document = structuredClone(before) as unknown as Members;
  for (const operation of patch) {
    const names = namesOf(operation.path);
    const last = names.pop() ?? '';
    let parent: unknown = document;
    for (const name of names) parent = (parent as Members | undefined)?.[name];
    if (typeof parent !== 'object' || parent === null) return null;
    const members = parent as Members;
    const now = members[last];
    if (operation.op === 'test') {
      if (JSON.stringify(now ?? null) !== JSON.stringify(operation.value)) return null;
    } else if (operation.op === 'remove') {
      if (now === undefined) return null;
      if (Array.isArray(parent)) parent.splice(Number(last), 1);
      else Reflect.deleteProperty(members, last);
    } else if (Array.isArray(parent) && last === '-') parent.push(operation.value);
    else members[last] = operation.value;
  }
  return pod.parse(document);
}

/** Two pods of one owner, as its controller sees them. */
export interface World {
  readonly source: Pod | null;
  readonly target: Pod | null;
}

export function begin(owner: object | null, finalizers?: readonly string[]): World {
  const source = sourcePod({
    ...(owner === null ? {} : { ownerReferences: [owner] }),
    ...(finalizers === undefined ? {} : { finalizers }),
  });
  return { source, target: targetOf(source) };
}

/** One step of the hand-over, as whoever has it to do would take it. */
export function take({ source, target }: World): { readonly step: HandOverStep; readonly world: World } {
  const step = handOverStep(source, target, MIGRATION.uid);
  const after = (patch: (of: Pod) => PodPatch, of: Pod | null): Pod => {
    const done = of === null ? null : patched(of, patch(of));
    if (done === null) throw new Error(`${step.kind} does not fit`);
    return done;
  };
  switch (step.kind) {
    case 'costSource':
      return { step, world: { source: after(costSource, source), target } };
    case 'labelTarget':
      return { step, world: { source, target: after(labelTarget, target) } };
    case 'freeSource':
      return { step, world: { source: after((of) => freeSource(of, MIGRATION), source), target } };
    case 'adoptTarget':
      return { step, world: { source, target: after(adoptTarget, target) } };
    case 'deleteSource':
      return { step, world: { source: deleted(source), target } };
    case 'done':
      return { step, world: { source, target } };
  }
}

export const deleted = (of: Pod | null): Pod | null =>
  of === null
    ? null
    : { ...of, metadata: { ...of.metadata, deletionTimestamp: of.metadata.deletionTimestamp ?? 'now' } };

export function toTheEnd(world: World): { readonly steps: string[]; readonly world: World } {
  const steps: string[] = [];
  for (let now = world; steps.length < 20;) {
    const { step, world: next } = take(now);
    if (step.kind === 'done') return { steps, world: now };
    steps.push(step.kind);
    now = next;
  }
  throw new Error(`no end: ${steps.join(', ')}`);
}

export function letGone({ source, target }: World): World {
  const gone = target === null ? null : patched(target, letGo(target));
  if (gone === null) throw new Error('letGo does not fit');
  return { source, target: gone };
}

/**
 * How many pods a controller with this UID counts as its own; null: it does nothing, for there is one that it would adopt
 * and must not. By the rules of ReplicaSets and Jobs (controller_ref_manager.go of Kubernetes).
 */
export function counted({ source, target }: World, uid: string, selector: readonly string[]): number | null {
  const pods = [source, target].filter((of) => of !== null);
  const matches = ({ metadata }: Pod): boolean =>
    selector.every((name) => metadata.labels?.[name] !== undefined);
  const active = pods.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  if (active.some((of) => controllerOf(of) === undefined && matches(of))) return null;
  return active.filter((of) => controllerOf(of)?.uid === uid && matches(of)).length;
}
