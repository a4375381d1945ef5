import { BUDGET_LABEL } from '@transship/crds';
import { policyOf } from '../webhook/opt-in.ts';
import { type LabelSelector, selects } from './selector.ts';

type Labels = Readonly<Record<string, string>>;

export interface GuardedPod {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly terminating: boolean;
  readonly labels: Labels;
}

export interface Budget {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  /** UID of the pod that it was made for; null: it is somebody else's. */
  readonly madeFor: string | null;
  readonly selector: LabelSelector | null;
}

export interface Seen {
  /** Pods that may have opted in: those with the label, and those of namespaces with it. */
  readonly pods: readonly GuardedPod[];
  readonly budgets: readonly Budget[];
  /** Labels of the namespaces that say anything of it, by name. */
  readonly namespaces: ReadonlyMap<string, Labels>;
}

export interface Changes {
  /** To be given a label of their own and a budget that selects it. */
  readonly guard: readonly GuardedPod[];
  readonly remove: readonly Budget[];
}

/** Name of the budget of a pod. */
export const budgetName = (podUid: string): string => `transship-${podUid}`;

/**
 * Which budgets to make and to take away, so that each pod that opted in has exactly one of somebody: the API server refuses
 * to evict a pod with two of them for good, which ends a drain.
 */
export function planBudgets({ pods, budgets, namespaces }: Seen): Changes {
  const ours = budgets.filter(({ madeFor }) => madeFor !== null);
  const others = budgets.filter(({ madeFor }) => madeFor === null);
  const guarded = pods.filter(
    (pod) =>
      !pod.terminating &&
      policyOf(pod.labels, namespaces.get(pod.namespace) ?? {}) !== 'Off' &&
      !others.some(({ namespace, selector }) => namespace === pod.namespace && selects(selector, pod.labels)),
  );
  const wanted = new Set(guarded.map(({ uid }) => uid));
  const present = new Set(ours.map(({ madeFor }) => madeFor));
  const remaining = new Set(pods.filter(({ terminating }) => terminating).map(({ uid }) => uid));
  return {
    guard: guarded.filter(({ uid, labels }) => !present.has(uid) || labels[BUDGET_LABEL] !== uid),
    // That of a pod which is on its way out goes with it.
    remove: ours.filter(({ madeFor }) => madeFor !== null && !wanted.has(madeFor) && !remaining.has(madeFor)),
  };
}
