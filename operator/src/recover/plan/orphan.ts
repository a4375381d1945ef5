import type { FoundOrphan } from './found.ts';
import { planOrphanSource } from './orphan-source.ts';
import type { Held, OrphanRequest, OrphanSides } from './orphan-steps.ts';
import { planOrphanTarget } from './orphan-target.ts';
import { type Plan, refused } from './step.ts';
import { nameOf } from './take-up.ts';
import { holds, mayRun } from './target.ts';

/** A set that agents hold stopped for an object that is gone, or whose record is behind their journals. */
export function planOrphan(found: FoundOrphan, request: OrphanRequest): Plan {
  const { record, stalled } = found;
  if (record !== null && record.status.completedAt === undefined && stalled === null) {
    return refused(
      `the migration ${nameOf(record)} has this UID and its record is whole: the operator ends it`,
    );
  }
  if (record !== null && isLost(found)) {
    const name = nameOf(record);
    return refused(
      `the target of ${name} was lost, not its record: use \`transship recover ${name} --source\` or \`--discard\``,
    );
  }
  const sides = sidesOf(found, request.node);
  const { source, target } = sides;
  if (source?.node === request.node) return planOrphanSource(found, request, sides, source);
  if (target?.node === request.node) return planOrphanTarget(found, request, sides, target);
  const silent = sides.silent.includes(request.node);
  const where = [source, target].flatMap((one) => (one === null ? [] : [one.node]));
  return refused(
    silent
      ? `the agent of ${request.node} does not answer, and only it can do anything about its devices`
      : `${request.node} has no session of ${request.uid}; ${where.length === 0 ? 'nor has any node that answers' : `look at ${where.join(', ')}`}`,
  );
}

function isLost({ uid, record, stalled, nodes }: FoundOrphan): boolean {
  if (stalled !== null) return stalled.code === 'TargetLost';
  if (record?.status.completedAt === undefined) return false;
  // A record behind a journal is not to be believed, whatever it says of its target.
  const { fence, conditions, decision } = record.status;
  if (decision.value !== 'Commit' && decision.value !== 'Revert') return false;
  const sessions = nodes.flatMap((one) => (one.kind === 'sessions' ? one.sessions : []));
  if (sessions.some((session) => session.uid === uid && session.fence > fence)) return false;
  return conditions.some(({ type, reason }) => type === 'Ready' && reason === 'TargetLost');
}

/** A migration whose target was left for another has several: the named one counts, else the one that may run. */
function sidesOf({ uid, nodes }: FoundOrphan, named: string): OrphanSides {
  const of = (role: 'source' | 'target'): Held[] =>
    nodes.flatMap((one) => {
      const sessions = one.kind === 'sessions' ? one.sessions : [];
      const session = sessions.find((it) => it.uid === uid && it.role === role);
      return session === undefined ? [] : [{ node: one.node, session }];
    });
  const rank = ({ node, session }: Held): number =>
    [node === named, session.phase === 'Active', mayRun(session), holds(session)].findIndex(Boolean);
  const last = (at: number): number => (at < 0 ? Number.POSITIVE_INFINITY : at);
  const targets = of('target').toSorted((a, b) => last(rank(a)) - last(rank(b)));
  const [target = null, ...others] = targets;
  const silent = nodes.filter(({ kind }) => kind === 'silent').map(({ node }) => node);
  return { source: of('source')[0] ?? null, target, others, silent };
}
