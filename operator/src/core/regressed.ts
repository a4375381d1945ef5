import type { Failure } from '@transship/node-agent/contract';
import type { Attached } from './decide.ts';
import { failure } from './failure.ts';

/**
 * Is the record behind what a journal saw of it, as after a restored backup? Then nothing may be concluded from
 * it: a decision that was taken before could be taken again, the other way.
 */
export function recordRegressed({ s, t, record }: Attached): Failure | null {
  for (const session of [s, t]) {
    if (session === null) continue;
    const { role, decision: seen } = session;
    const followed = seen === 'Commit' && record.decision === 'Revert';
    if (seen === 'Undecided' || seen === record.decision || followed) continue;
    return failure('RecordRegressed', `the ${role} has seen ${seen} and the record says ${record.decision}`);
  }
  const stopped = s?.phase === 'Stopping' || s?.phase === 'Stopped';
  if (!stopped || record.stopping) return null;
  return failure('RecordRegressed', 'the source was ordered to stop and the record says nothing of it');
}
