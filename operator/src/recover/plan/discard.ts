import type { Failure } from '@transship/node-agent/contract';
import { type FoundMigration, sessionOf } from './found.ts';
import { isUnmarked, onlyNeeded } from './source.ts';
import { type Plan, refused, type Step } from './step.ts';
import { ended, orphanHint, regressedFence, takingUp } from './take-up.ts';
import { discarding, objectionOf } from './target.ts';

/** The state of the set is given up: the stopped source ends its workload and is reset. */
export function planDiscard(found: FoundMigration): Plan {
  const no = objection(found);
  if (no !== null) return refused(no);
  const { record, source, target } = found;
  const why: Failure = {
    code: 'TargetLost',
    message:
      'the target was lost after activation was ordered, and the state of the set was given up by hand',
    device: null,
  };
  const steps: Step[] = takingUp(found, why);
  const s = sessionOf(source);
  if (s?.phase === 'Stopped' || s?.phase === 'Releasing')
    steps.push({ kind: 'releaseSource', node: source.node });
  const t = sessionOf(target);
  const runs = t?.phase === 'Active';
  const reset = t === null ? [] : discarding(t, target.node, 'Revert');
  // Only Revert takes a set back that was ordered to run; the source is at its end by then, so it moves nothing else.
  if (reset.length > 0 && record.status.decision.value === 'Commit')
    steps.push({ kind: 'recordRevert', reason: `${why.code}: ${why.message}` });
  steps.push(...reset);
  if (isUnmarked(found)) steps.push({ kind: 'markRecovered', recovery: runs ? 'RunsAtTarget' : 'GivenUp' });
  const losses = runs
    ? []
    : ['the whole state of the set: its workload is told to end, and its devices are reset'];
  return { kind: 'steps', steps: onlyNeeded(steps), losses };
}

function objection(found: FoundMigration): string | null {
  const { record, source, target } = found;
  const { value } = record.status.decision;
  if (value === 'Undecided' || value === 'Abort') {
    return ended(found)
      ? `the migration has ended as ${record.status.phase}; nothing of it is held by hand`
      : `the record says ${value}: the operator brings the source back by itself; to cancel, delete the object`;
  }
  const regressed = regressedFence(found);
  if (regressed !== null) return `${regressed}; use ${orphanHint(record.uid)}`;
  const s = sessionOf(source);
  if (value === 'Revert' && s !== null && s.phase !== 'Released' && s.fence > 0)
    return 'Revert is recorded: the source runs again, or will; finish that with `transship recover --source`';
  if (record.status.phase === 'Succeeded') return 'the migration has succeeded: the set runs on the target';
  if (s === null)
    return `the agent of the source node ${source.node} does not answer, and only it can end the set`;
  if (s.phase === 'RolledBack') return `the set runs on ${source.node}; there is nothing to give up`;
  const t = sessionOf(target);
  if (t === null) return null;
  // Once the object has ended nobody else releases the source of a target that runs after all.
  if (t.phase === 'Active' && ended(found)) return null;
  const runs = objectionOf(t, target.node);
  return runs === null || t.phase === 'Fenced' ? null : `${runs}; the operator goes on with it`;
}
