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
  return request.end === 'run' ? run(found, sides, target) : discard(found, sides, target);
}

function run(found: FoundOrphan, sides: OrphanSides, { node, session }: Held): Plan {
  const { phase, decision } = session;
  const { source } = sides;
  if (phase !== 'Active') {
    const loaded = phase === 'Verified' || phase === 'Activating' || phase === 'Starting';
    const [lost] = lostDevices(session);
    if (!loaded || lost !== undefined || decision === 'Abort' || decision === 'Revert') {
      const why = lost === undefined ? `${phase}, decision seen: ${decision}` : `${lost} lost its state`;
      return refused(`the set on ${node} cannot be started (${why}); --discard resets it`);
    }
    if (source === null)
      return refused(`the agent that holds the source was not found, and the set may run there`);
    if (!STANDS_STILL.has(source.session.phase))
      return refused(`the set may run on ${source.node}: its agent says ${source.session.phase}`);
    // A target that was left for another holds what the source gave in an earlier generation, or another one runs it.
    if (session.generation !== source.session.generation)
      return refused(
        `${node} holds generation ${session.generation}, and the source promised ${source.session.generation}; --discard resets it`,
      );
    const rival = sides.others.find((one) => mayRun(one.session));
    if (rival !== undefined)
      return refused(`the set may run on ${rival.node}: its agent says ${rival.session.phase}`);
  }
  const steps: Step[] = claiming(found, sides);
  if (phase !== 'Active') steps.push({ kind: 'activateTarget', node });
  const left = source?.session.phase;
  if (source !== null && (left === 'Stopped' || left === 'Releasing'))
    steps.push({ kind: 'releaseSource', node: source.node });
  steps.push(...marking(found, 'RunsAtTarget'));
  return { kind: 'steps', steps: orNothing(steps), losses: [] };
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
