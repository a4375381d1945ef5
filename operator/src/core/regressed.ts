import type { DecisionValue } from '@transship/crds';
import type { Failure } from '@transship/node-agent/contract';
import type { Attached } from './decide.ts';
import { failure } from './failure.ts';
import type { Observed } from './observed.ts';

/**
 * Is the record behind a fence? Whoever raises one writes it down first, so a record that is read afterwards and has a
 * lower one was restored. One that was read before the raise is refused as the base of any write, this status included.
 */
export function fenceRegressed({ source, target, record, held }: Observed): Failure | null {
  const known: [string, number][] = [['this operator', held ?? 0]];
  for (const side of [source, target])
    if (side.kind === 'session') known.push([`the ${side.session.role}`, side.session.fence]);
  const ahead = known.find(([, fence]) => fence > record.fence);
  if (ahead === undefined) return null;
  const [who, fence] = ahead;
  return failure('RecordRegressed', `${who} knows fence ${fence} and the record says ${record.fence}`);
}

/** A decision that cannot follow on one that was seen: write-once, but for Commit that a Revert takes back. */
export const isBehind = (decision: DecisionValue, seen: DecisionValue): boolean =>
  seen !== 'Undecided' && seen !== decision && !(seen === 'Commit' && decision === 'Revert');

/**
 * Is the record behind what a journal saw of it, or this process, as after a restored backup? Then nothing may be
 * concluded from it: a decision that was taken before could be taken again, the other way.
 */
export function recordRegressed({ s, t, record, decided }: Attached): Failure | null {
  const seen: [string, DecisionValue][] = [['this operator', decided]];
  for (const session of [s, t]) if (session !== null) seen.push([`the ${session.role}`, session.decision]);
  const ahead = seen.find(([, decision]) => isBehind(record.decision, decision));
  if (ahead !== undefined) {
    const [who, decision] = ahead;
    return failure('RecordRegressed', `${who} has seen ${decision} and the record says ${record.decision}`);
  }
  const stopped = s?.phase === 'Stopping' || s?.phase === 'Stopped';
  if (!stopped || record.stopping) return null;
  return failure('RecordRegressed', 'the source was ordered to stop and the record says nothing of it');
}
