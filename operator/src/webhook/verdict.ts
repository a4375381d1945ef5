import { type EvictionPolicy, isTerminal } from '@transship/crds';
import { type Attempt, attemptName, latest, pauseLeftMs } from './attempts.ts';
import type { EvictionRequest } from './review.ts';
import { givenUp, refused, takesIn, underWay, wouldMove } from './words.ts';

/** The pod that is to be evicted, as the API server has it at that moment. */
export interface Pod {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  /** null: not scheduled yet. */
  readonly nodeName: string | null;
  readonly phase: string;
  /** Its deletion was asked for. */
  readonly terminating: boolean;
  readonly labels: Readonly<Record<string, string>>;
}

/** All that the answer depends on. */
export interface Facts {
  readonly request: EvictionRequest;
  readonly pod: Pod;
  readonly policy: EvictionPolicy;
  /** Of this pod's UID, in any order. */
  readonly attempts: readonly Attempt[];
  /** The migration whose target the pod is; null: none. */
  readonly incoming: Pick<Attempt, 'namespace' | 'name' | 'status'> | null;
  readonly now: Date;
}

/** What is done about an eviction. */
export type Verdict =
  /** `unguard`: the pod whose own disruption budget must not hold it either. */
  | { readonly kind: 'allow'; readonly unguard: Pod | null; readonly warning?: string }
  | { readonly kind: 'hold'; readonly message: string }
  /** Create the DeviceMigration of this name, then hold. */
  | { readonly kind: 'evacuate'; readonly name: string; readonly pod: Pod };

const ALLOW = { kind: 'allow', unguard: null } as const;
const ENDED_PHASES: readonly string[] = ['Succeeded', 'Failed'];

/**
 * Whether the eviction is of no concern, by what is known before any migration was read. null: it is, go on with `judge`.
 * @param policy of the pod; any without one
 */
export function screen(request: EvictionRequest, pod: Pod | null, policy: EvictionPolicy): Verdict | null {
  // 404 and 409 are the API server's to answer.
  if (pod === null || (request.podUid !== null && request.podUid !== pod.uid)) return ALLOW;
  // Nothing runs there any more, or not yet; held devices of a pod that ends are let go by the kubelet.
  if (pod.terminating || ENDED_PHASES.includes(pod.phase) || pod.nodeName === null) return ALLOW;
  return policy === 'Off' ? { kind: 'allow', unguard: request.dryRun ? null : pod } : null;
}

/** What is done about an eviction that `screen` did not let pass. */
export function judge(facts: Facts): Verdict {
  const verdict = verdictOf(facts);
  const { request, pod } = facts;
  if (!request.dryRun) return verdict;
  // A dry run that is held would ask again for ever; whoever makes it changes nothing.
  const { warning = wouldMove(pod.namespace, pod.name) } = verdict.kind === 'allow' ? verdict : {};
  return { ...ALLOW, warning };
}

function verdictOf({ pod, policy, attempts, incoming, now }: Facts): Verdict {
  if (incoming !== null && !isTerminal(incoming.status.phase)) {
    return { kind: 'hold', message: takesIn(incoming) };
  }
  const last = latest(attempts);
  if (last === null) return { kind: 'evacuate', name: attemptName(pod.uid, 1), pod };
  const { phase } = last.status;
  if (!isTerminal(phase)) return { kind: 'hold', message: underWay(last) };
  // Its devices run elsewhere: what is left is an empty pod.
  if (phase === 'Succeeded') return { kind: 'allow', unguard: pod };
  // Only a Rejected one is known to have touched nothing.
  if (phase === 'Rejected' && policy === 'BestEffort') {
    return { kind: 'allow', unguard: pod, warning: givenUp(last) };
  }
  const pauseMs = pauseLeftMs(last, now);
  if (pauseMs > 0) return { kind: 'hold', message: refused(last, pauseMs) };
  return { kind: 'evacuate', name: attemptName(pod.uid, last.number + 1), pod };
}
