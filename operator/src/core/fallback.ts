import type { DecisionValue } from '@transship/crds';
import type { Action } from './action.ts';
import type { Attached } from './decide.ts';
import { failure } from './failure.ts';
import type { LeftTarget, RecordView, SessionView } from './observed.ts';
import type { Reason } from './reasons.ts';

/** The first generation that the present target is given; retries are counted from it. */
export const firstGeneration = (record: RecordView): number => record.firstGeneration ?? 1;

/** Other targets were left before for the present one. */
export const hasLeft = ({ left = [] }: Attached): boolean => left.length > 0;

/**
 * The target cannot be used any more and nothing is decided: the next node takes its place, and the source stays as it is,
 * stopped or not. null: there is no other, or it is not the target that is in the way.
 *
 * The record of it raises the fence. So an answer, an order or a write for the target before is void from then on, Commit
 * above all: whoever commits does so for the target that the fence it holds was raised for.
 */
export function otherTarget(
  { s, t, plan, record, nextTarget, expired }: Attached,
  { why, of }: Reason,
): Action | null {
  if (of !== 'target' || nextTarget === undefined || nextTarget === null) return null;
  // Without the source no target can begin. It is waited for as long as any agent is; then the set is given up.
  if (s === null)
    return expired?.of === 'source' ? null : { kind: 'wait', on: 'the agent of the source node' };
  if (!canBeginAnew(s)) return null;
  // A generation of its own: what the target before still pulls is refused as over.
  const reached = t?.generation ?? firstGeneration(record) + plan.retries;
  const generation = Math.max(s.generation, reached, firstGeneration(record)) + 1;
  return { kind: 'recordTarget', nodeName: nextTarget, generation, why };
}

/** The source has all that a new generation needs. */
const canBeginAnew = (s: SessionView): boolean =>
  s.phase !== 'RollingBack' && s.phase !== 'RolledBack' && !s.devices.some(({ lost }) => lost);

type Decided = Exclude<DecisionValue, 'Undecided'>;
type Finish = Extract<Action, { kind: 'finish' }>;

/** Nobody ordered these of a target that was left before the decision: the record is not the one that did. */
const IMPOSSIBLE: ReadonlySet<string> = new Set(['Activating', 'Starting', 'Active']);

/**
 * Before a decided migration ends, every target that was left is discarded, or its node is out of service: it may have
 * promised before it fell silent, and nobody would ever bring it the decision that it waits for.
 */
export function clearLeft({ left = [], record }: Attached, decision: Decided, end: Finish): Action {
  const waiting: string[] = [];
  for (const one of left) {
    const { node, side } = one;
    if (isClear(one)) continue;
    if (side.kind === 'session' && IMPOSSIBLE.has(side.session.phase)) {
      const message = `${node} was left before ${record.decision} and its journal says ${side.session.phase}`;
      return { kind: 'stall', failure: failure('RecordRegressed', message) };
    }
    const moves = side.kind === 'session' && side.session.phase === 'Discarding' && !side.session.settled;
    if (side.kind === 'unreachable' || moves) waiting.push(node);
    else return { kind: 'discardLeft', nodeName: node, decision };
  }
  if (waiting.length === 0) return end;
  // A person has to know of a set that is lost, however long a node stays away that has nothing to do with it.
  if (end.failure?.code === 'TargetLost') return { kind: 'stall', failure: end.failure };
  return { kind: 'wait', on: `${waiting.join(', ')} to be reset, which had been the target before` };
}

function isClear({ side, fenced }: LeftTarget): boolean {
  if (side.kind === 'session') return side.session.phase === 'Discarded';
  return side.kind === 'unreachable' && fenced;
}
