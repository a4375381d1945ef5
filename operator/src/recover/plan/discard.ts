import type { Failure, SessionSnapshot } from '@transship/node-agent/contract';
import { type FoundMigration, sessionOf } from './found.ts';
import { freesTarget, isUnmarked, onlyNeeded } from './source.ts';
import { type Plan, refused, type Step } from './step.ts';
import { ended, nameOf, orphanHint, regressed, takingUp } from './take-up.ts';
import { discarding, holds, mayRun, objectionOf } from './target.ts';

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

/** A source that is on its way back, or has not got to its stop. */
const ON_THE_WAY: ReadonlySet<string> = new Set(['Stopping', 'RollingBack', 'Restarting']);

/** A source that the operator frees by itself of a target that runs. */
const FREED: ReadonlySet<string> = new Set(['Stopped', 'Releasing', 'Released']);

function objection(found: FoundMigration): string | null {
  const { record, source, target } = found;
  const { value } = record.status.decision;
  const behind = regressed(found);
  if (behind !== null) return `${behind}; use ${orphanHint(record.uid)}`;
  const t = sessionOf(target);
  if (value === 'Undecided' || value === 'Abort') {
    if (!ended(found))
      return `the record says ${value}: the operator brings the source back by itself; to cancel, delete the object`;
    const left = t !== null && holds(t) ? freesTarget(found) : 'nothing of it is held by hand';
    return `the migration has ended as ${record.status.phase}; ${left}`;
  }
  if (record.status.phase === 'Succeeded') return 'the migration has succeeded: the set runs on the target';
  const s = sessionOf(source);
  if (s === null)
    return `the agent of the source node ${source.node} does not answer, and only it can end the set`;
  const home = `\`transship recover ${nameOf(record)} --source\``;
  if (s.phase === 'RolledBack') {
    const left = t !== null && holds(t) ? `; ${home} frees what the target still holds` : '';
    return `the set runs on ${source.node}; there is nothing to give up${left}`;
  }
  if (ON_THE_WAY.has(s.phase)) return `the source is ${s.phase}; ${home} lets it run again`;
  if (!FREED.has(s.phase) && s.phase !== 'Fenced')
    return `the source on ${source.node} is ${s.phase}: nothing of it is stopped, so there is nothing to give up`;
  // A target that runs although Revert is recorded has proven the person wrong: the source is what is left over.
  if (value === 'Revert' && s.phase === 'Stopped' && t?.phase !== 'Active')
    return `Revert is recorded: the source runs again, or will; finish that with ${home}`;
  return t === null || !mayRun(t) ? null : standsAgainst(found, s, t);
}

/** Why a source is not given up beside a target that runs or may run; null: it may be. */
function standsAgainst(found: FoundMigration, s: SessionSnapshot, t: SessionSnapshot): string | null {
  const { record, target } = found;
  const what = objectionOf(t, target.node);
  if (!ended(found)) {
    return t.phase === 'Active' && !FREED.has(s.phase)
      ? `${what}; \`transship recover --orphan ${record.uid} --node ${target.node} --run\` ends the object so`
      : `${what}; the operator goes on with it`;
  }
  // Once the object has ended nobody else releases the source of a target that runs, or takes back one that was never started.
  if (t.phase === 'Active' || t.phase === 'Verified') return null;
  return `${what}; it was ordered to, and no command takes that back: when it says Active, or when you have switched ${target.node} off, run this again`;
}
