import { type FoundMigration, sessionOf } from './found.ts';
import type { Request } from './request.ts';
import { type Plan, refused } from './step.ts';
import { ended, nameOf, orphanHint, regressed } from './take-up.ts';
import { isDumb, lostDevices, mayRun } from './target.ts';

type SourceDeadRequest = Extract<Request, { kind: 'sourceDead' }>;

/**
 * Commit is recorded and the source will never hear of it: a person answers for it being dead, and the operator goes on
 * without it. Nothing is ordered here and no fence is raised; the word is written on the record, for its operator.
 */
export function planSourceDead(found: FoundMigration, request: SourceDeadRequest): Plan {
  const { record, source, target } = found;
  // The operator goes on the moment that it is written, and may be at the end by now.
  if (record.status.sourceDead !== undefined) return { kind: 'steps', steps: [], losses: [] };
  const no = objection(found, request);
  if (no !== null) return refused(no);
  const runs = sessionOf(target)?.phase === 'Active';
  return {
    kind: 'steps',
    steps: [{ kind: 'recordSourceDead', node: source.node, target: target.node, runs, proof: request.proof }],
    losses: [
      `nothing of the set; what ${source.node} holds of it stays stopped there, and is RESET when its agent ever answers again`,
    ],
  };
}

function objection(found: FoundMigration, { unknownIsSilent }: SourceDeadRequest): string | null {
  const { record, source, target } = found;
  const { value } = record.status.decision;
  const behind = regressed(found);
  if (behind !== null) return `${behind}; use ${orphanHint(record.uid)}`;
  if (ended(found))
    return `the migration has ended as ${record.status.phase}: nothing waits for its source any more`;
  if (value === 'Undecided')
    return 'the record says Undecided: only a set that is committed goes on without its source';
  if (value !== 'Commit')
    return `the record says ${value}: the set is to run at the source, and only its agent can let it`;
  if (source.kind === 'session')
    return `the agent of ${source.node} answers and says ${source.session.phase}: it is not dead, and the operator goes on with it`;
  if (source.failure.code === 'NodeUnknown' && !unknownIsSilent)
    return `nobody was asked whether ${source.node} is dead; name its agent with --agent ${source.node}=HOST:PORT`;
  return targetObjection(found, target);
}

/** Why the target could not be started all the same; null: it runs, or can. */
function targetObjection({ record }: FoundMigration, target: FoundMigration['target']): string | null {
  if (target.kind === 'silent')
    return `the agent of the target ${target.node} does not answer either, so nothing can be started there`;
  const { session, node } = target;
  if (mayRun(session)) return null;
  const [lost] = lostDevices(session);
  const why =
    lost !== undefined
      ? `${lost} lost what it was given`
      : isDumb(session)
        ? 'none of its devices answers'
        : `it says ${session.phase}`;
  return `the target on ${node} cannot be started (${why}); see what \`kubectl describe dmig\` says of ${nameOf(record)}`;
}
