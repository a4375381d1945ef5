import type { SessionSnapshot } from '@transship/node-agent/contract';
import type { FoundOrphan } from './found.ts';
import type { Recovery, Request } from './request.ts';
import type { Step } from './step.ts';
import { mustHear } from './take-up.ts';

export type OrphanRequest = Extract<Request, { kind: 'orphan' }>;

/** A session of the orphan and the node that it is on. */
export interface Held {
  readonly node: string;
  readonly session: SessionSnapshot;
}

/** Where the sessions of the orphan are. */
export interface OrphanSides {
  readonly source: Held | null;
  readonly target: Held | null;
  /** Other targets, which were left before that one or instead of which it was. */
  readonly others: readonly Held[];
  /** Nodes whose agents do not answer: each may hold the side that was not found. */
  readonly silent: readonly string[];
}

/**
 * An object that is still there is ended first, so that no operator works against what is done now. Then a fence above
 * all that was journalled, and every agent that answers is made to know it.
 */
export function claiming({ record, stalled, held }: FoundOrphan, sides: OrphanSides): Step[] {
  const { source, target, others } = sides;
  const known = [target, source, ...others].filter((one) => one !== null);
  const highest = Math.max(record?.status.fence ?? 0, ...known.map(({ session }) => session.fence));
  const steps: Step[] = [];
  if (record !== null && record.status.completedAt === undefined)
    steps.push({ kind: 'takeUp', fence: record.status.fence + 1, end: stalled });
  const mine = held !== null && held >= highest;
  const fence = mine ? held : highest + 1;
  if (!mine) steps.push({ kind: 'claim', fence });
  for (const { node, session } of known) {
    if (mustHear(session, fence)) steps.push({ kind: 'attach', node, role: session.role });
  }
  return steps;
}

/**
 * The decision that ends a side without letting its set run at the target: what follows the one that either side has
 * seen. Nothing seen: as after Abort.
 */
export function wayBack(sides: OrphanSides): 'Abort' | 'Revert' {
  const seen = [sides.source, sides.target].map((one) => one?.session.decision);
  return seen.includes('Commit') || seen.includes('Revert') ? 'Revert' : 'Abort';
}

/** An object that was ended by hand is told how it came out. */
export function marking({ record }: FoundOrphan, recovery: Recovery): Step[] {
  if (record === null) return [];
  const begun = record.status.conditions.some(
    ({ type, status }) => type === 'Recovered' && status === 'False',
  );
  return begun || record.status.completedAt === undefined ? [{ kind: 'markRecovered', recovery }] : [];
}

/** A recovery that only claims a fence does nothing. */
export const orNothing = (steps: readonly Step[]): readonly Step[] =>
  steps.some(({ kind }) => kind !== 'claim' && kind !== 'attach') ? steps : [];
