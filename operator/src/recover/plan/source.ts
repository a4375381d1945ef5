import type { Failure, SessionSnapshot } from '@transship/node-agent/contract';
import { type FoundMigration, sessionOf } from './found.ts';
import { type Plan, refused, type Step } from './step.ts';
import { ended, nameOf, orphanHint, regressed, takingUp } from './take-up.ts';
import { discarding, holds, lostDevices, mayRun, objectionOf } from './target.ts';

/** Phases from which a source comes back, or has. */
const COMES_BACK: ReadonlySet<string> = new Set([
  'Stopping',
  'Stopped',
  'RollingBack',
  'Restarting',
  'RolledBack',
]);

/** The set runs again at the source although activation was ordered: a person answers for the target being dead. */
export function planSource(found: FoundMigration, proof: string): Plan {
  const no = objection(found);
  if (no !== null) return refused(no);
  const { record, source, target } = found;
  const why: Failure = {
    code: 'TargetLost',
    message: `the target was declared dead by hand: ${proof}`,
    device: null,
  };
  const steps: Step[] = takingUp(found, why);
  if (record.status.decision.value === 'Commit')
    steps.push({ kind: 'recordRevert', reason: `${why.code}: ${why.message}` });
  const t = sessionOf(target);
  // What answers at the target is reset before the source runs: a part of the set may still be at work there.
  if (t !== null) steps.push(...discarding(t, target.node, 'Revert'));
  const s = sessionOf(source);
  if (s?.phase !== 'RolledBack')
    steps.push({ kind: 'rollBackSource', node: source.node, decision: 'Revert' });
  if (isUnmarked(found)) steps.push({ kind: 'markRecovered', recovery: 'BackAtSource' });
  return { kind: 'steps', steps: onlyNeeded(steps), losses: losses(found) };
}

/** Raising a fence to do nothing under it is no step. */
export function onlyNeeded(steps: readonly Step[]): readonly Step[] {
  return steps.every(({ kind }) => kind === 'takeUp' || kind === 'attach') &&
    !steps.some((step) => step.kind === 'takeUp' && step.end !== null)
    ? []
    : steps;
}

/** The status does not say yet how it came out. A migration that its operator has ended well needs no such word. */
export function isUnmarked(found: FoundMigration): boolean {
  const { conditions } = found.record.status;
  if (conditions.some(({ type, status }) => type === 'Recovered' && status === 'True')) return false;
  return !ended(found) || conditions.some(({ type, reason }) => type === 'Ready' && reason === 'TargetLost');
}

function objection(found: FoundMigration): string | null {
  const { record, source, target } = found;
  const { decision } = record.status;
  const behind = regressed(found);
  if (behind !== null) return `${behind}; use ${orphanHint(record.uid)}`;
  const t = sessionOf(target);
  if (decision.value === 'Undecided' || decision.value === 'Abort') {
    if (!ended(found))
      return `the record says ${decision.value}: the target was never ordered to run, and the operator brings the source back by itself`;
    const left = t !== null && holds(t) ? `; ${freesTarget(found)}` : '';
    return `the migration has ended as ${record.status.phase}, and its target was never ordered to run${left}`;
  }
  if (record.status.phase === 'Succeeded') return 'the migration has succeeded: the set runs on the target';
  const s = sessionOf(source);
  if (s === null)
    return `the agent of the source node ${source.node} does not answer, and only it can let the set run`;
  if (!COMES_BACK.has(s.phase)) {
    const what = cannotComeBack(s.phase, source.node);
    return `${what}: there is no state to run with; \`transship recover ${nameOf(record)} --discard\` ends what is left`;
  }
  if (t === null) return null;
  // Activating is journalled before the first arc, so nothing was started; of an ended object nobody starts it any more.
  if (t.phase === 'Verified' && ended(found)) return null;
  // A source that runs already asks for no more than that nothing runs beside it.
  if (s.phase === 'RolledBack' && !mayRun(t)) return null;
  const no = objectionOf(t, target.node);
  return no === null ? null : `${no}; ${wayOut(found, s, t)}`;
}

/** What a person can do about a target that may run. */
function wayOut(found: FoundMigration, s: SessionSnapshot, t: SessionSnapshot): string {
  const off = `switch ${found.target.node} off and run this again`;
  if (!mayRun(t)) return off;
  if (s.phase !== 'Stopped') return `the source is ${s.phase} as well: ${off}`;
  const home = `to have the set at the source instead, ${off}`;
  if (!ended(found)) return `the operator goes on with it; ${home}`;
  const free = `\`transship recover ${nameOf(found.record)} --discard\` frees the source`;
  if (t.phase === 'Active') return free;
  return `it was ordered to, and no command takes that back: when it says Active, ${free}; ${home}`;
}

/** How a target is freed of which no order to run was ever recorded. */
export const freesTarget = ({ record, target }: FoundMigration): string =>
  `\`transship recover --orphan ${record.uid} --node ${target.node} --discard\` frees what the target still holds`;

function cannotComeBack(phase: string, node: string): string {
  return phase === 'Releasing' || phase === 'Released'
    ? `the source on ${node} has been given up already (${phase})`
    : `the journal of ${node} knows nothing of a stopped set (${phase})`;
}

function losses({ record, source }: FoundMigration): string[] {
  const at = record.status.stopping?.at ?? 'its stop';
  const lost = [
    `whatever the set did on the target after it was started there; the source goes on from ${at}`,
  ];
  const s = sessionOf(source);
  for (const id of s === null ? [] : lostDevices(s))
    lost.push(`the state of ${id}, which its agent reports as lost: it is reset, and its workload is told`);
  return lost;
}
