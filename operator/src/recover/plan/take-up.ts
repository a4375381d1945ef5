import type { Failure, SessionSnapshot } from '@transship/node-agent/contract';
import { isBehind } from '../../core/regressed.ts';
import { type FoundMigration, sessionOf } from './found.ts';
import type { Step } from './step.ts';

/** The object has ended: operators do nothing about it any more but take their finalizer away. */
export const ended = ({ record }: FoundMigration): boolean => record.status.completedAt !== undefined;

/**
 * Taking the migration out of the operator's hands comes first: the fence is raised, so that whatever an operator has
 * under way is refused, and an object that has not ended is ended, so that none takes it up again. Then every agent that
 * answers is made to know the fence, before anything is concluded from what it says.
 */
export function takingUp(found: FoundMigration, why: Failure): Step[] {
  const { record, held } = found;
  const { fence } = record.status;
  const mustEnd = !ended(found);
  const mine = held === fence;
  const next = mine && !mustEnd ? fence : fence + 1;
  const steps: Step[] = [];
  if (!mine || mustEnd) steps.push({ kind: 'takeUp', fence: next, end: mustEnd ? why : null });
  for (const role of ['target', 'source'] as const) {
    const session = sessionOf(found[role]);
    if (session !== null && mustHear(session, next))
      steps.push({ kind: 'attach', node: found[role].node, role });
  }
  return steps;
}

/** Sessions that only repeat themselves, whoever asks. */
const ENDED: ReadonlySet<string> = new Set(['RolledBack', 'Released', 'Active', 'Discarded']);

/** An agent that knows the migration, has not ended it, and does not know this fence yet. */
export const mustHear = ({ fence, phase }: SessionSnapshot, next: number): boolean =>
  fence > 0 && fence < next && !ENDED.has(phase);

/** The journal of an agent is ahead of the record: somebody restored an old one. */
export function regressed({ record, source, target }: FoundMigration): string | null {
  const { fence, decision } = record.status;
  for (const side of [source, target]) {
    const session = sessionOf(side);
    if (session === null) continue;
    if (session.fence > fence)
      return `the record is older than the journal of ${side.node} (fence ${fence} and ${session.fence})`;
    const forgot = decision.value === 'Undecided' || decision.value === 'Abort';
    if (forgot && isBehind(decision.value, session.decision))
      return `the record is older than the journal of ${side.node} (${decision.value} and ${session.decision})`;
  }
  return null;
}

/** How the object is called on a command line. */
export const nameOf = ({ key }: FoundMigration['record']): string =>
  key.namespace === '' ? key.name : `${key.namespace}/${key.name}`;

/** Says how the object without a record to trust is ended. */
export const orphanHint = (uid: string): string =>
  `transship recover --orphan ${uid} --node NODE --run (or --discard)`;
