import type { SessionSnapshot } from '@transship/node-agent/contract';
import type { FoundOrphan } from './found.ts';
import {
  claiming,
  marking,
  orNothing,
  type Held,
  type OrphanRequest,
  type OrphanSides,
  wayBack,
} from './orphan-steps.ts';
import { type Plan, refused, type Step } from './step.ts';
import { discarding, lostDevices, mayRun } from './target.ts';

/** Phases of a source that only a command lets out of its stop, or that has nothing left to run with. */
const STANDS_STILL: ReadonlySet<string> = new Set(['Stopped', 'Releasing', 'Released']);

/** The orphan's target is on the named node: it is started, or reset. */
export function planOrphanTarget(
  found: FoundOrphan,
  request: OrphanRequest,
  sides: OrphanSides,
  target: Held,
): Plan {
  return request.end === 'run' ? run(found, request, sides, target) : discard(found, sides, target);
}

function run(
  found: FoundOrphan,
  { sourceProof }: OrphanRequest,
  sides: OrphanSides,
  { node, session }: Held,
): Plan {
  const { phase, decision } = session;
  const { source } = sides;
  if (phase !== 'Active') {
    const loaded = phase === 'Verified' || phase === 'Activating' || phase === 'Starting';
    const [lost] = lostDevices(session);
    if (!loaded || lost !== undefined || decision === 'Abort' || decision === 'Revert') {
      const why = lost === undefined ? `${phase}, decision seen: ${decision}` : `${lost} lost its state`;
      return refused(`the set on ${node} cannot be started (${why}); --discard resets it`);
    }
    const no = source === null ? unseen(session, sides, sourceProof) : standsAgainst(session, source, node);
    if (no !== null) return refused(no);
    const rival = sides.others.find((one) => mayRun(one.session));
    if (rival !== undefined)
      return refused(`the set may run on ${rival.node}: its agent says ${rival.session.phase}`);
  }
  const steps: Step[] = claiming(found, sides);
  // Before the target runs, the source knows that it may not: whoever asks it afterwards, for whatever record, is told so.
  if (source !== null && mustBeTold(source.session)) steps.push({ kind: 'commitSource', node: source.node });
  if (phase !== 'Active') steps.push({ kind: 'activateTarget', node });
  const left = source?.session.phase;
  if (source !== null && (left === 'Stopped' || left === 'Releasing'))
    steps.push({ kind: 'releaseSource', node: source.node });
  steps.push(...marking(found, 'RunsAtTarget'));
  return { kind: 'steps', steps: orNothing(steps), losses: phase === 'Active' ? [] : untold(source, node) };
}

/** A stopped source that could still be told Abort. */
const mustBeTold = ({ phase, decision, takesCommit }: SessionSnapshot): boolean =>
  phase === 'Stopped' && decision === 'Undecided' && takesCommit;

/** Why the target is not started beside a source that answers; null: nothing stands against it. */
function standsAgainst(session: SessionSnapshot, source: Held, node: string): string | null {
  if (!STANDS_STILL.has(source.session.phase))
    return `the set may run on ${source.node}: its agent says ${source.session.phase}`;
  // A target that was left for another holds what the source gave in an earlier generation, or another one runs it.
  return session.generation === source.session.generation
    ? null
    : `${node} holds generation ${session.generation}, and the source promised ${source.session.generation}; --discard resets it`;
}

/** The same without a source: a person answers for it, and no other target may have been given more. */
function unseen(
  { generation }: SessionSnapshot,
  { silent, others }: OrphanSides,
  proof: string | null,
): string | null {
  const where =
    silent.length === 0
      ? 'on no node that is known'
      : `on no node that answers (${silent.join(', ')} did not)`;
  if (proof === null)
    return `the source is ${where}: the set may run there; when it surely does not, say why with --source-is-dead`;
  const [, second] = silent;
  if (second !== undefined)
    return `${silent.join(', ')} do not answer, and one of them may hold another target that runs; only the source may be missing`;
  const newer = others.find(({ session }) => session.generation >= generation);
  return newer === undefined
    ? null
    : `${newer.node} holds generation ${newer.session.generation} of the set, and nobody can say any more which one was committed`;
}

/** What a source that cannot be told costs. */
function untold(source: Held | null, node: string): string[] {
  if (source === null)
    return [
      `what the source holds of the set: its agent is not told that the set runs on ${node}; when it comes back, give that side up with --discard`,
    ];
  const { phase, decision, takesCommit } = source.session;
  return phase === 'Stopped' && decision === 'Undecided' && !takesCommit
    ? [
        `nothing; but the agent of ${source.node} is of an earlier version, which cannot be told that the set runs on ${node} before it is released`,
      ]
    : [];
}

function discard(found: FoundOrphan, sides: OrphanSides, { node, session }: Held): Plan {
  const { phase } = session;
  if (phase === 'Active')
    return refused(
      `the set runs on ${node} and nothing holds it any more; end its workload there as any other`,
    );
  if ((phase === 'Activating' || phase === 'Starting') && lostDevices(session).length === 0)
    return refused(`the set on ${node} is being started (${phase}); --run goes on with it`);
  const steps: Step[] = claiming(found, sides);
  steps.push(...discarding(session, node, wayBack(sides)));
  const left = sides.source?.session.phase;
  steps.push(...marking(found, 'GivenUp'));
  const only = left === undefined || left === 'Released' || left === 'Releasing';
  const losses = only
    ? [`the copy of the set on ${node}, which may be the only one: no stopped source was found`]
    : [];
  return { kind: 'steps', steps: orNothing(steps), losses };
}
