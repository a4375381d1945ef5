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
import { discarding, isDumb, lostDevices, mayRun, objectionOf } from './target.ts';

/** Target phases in which no order to run was obeyed, and under a higher fence none will be. */
const NOT_STARTED: ReadonlySet<string> = new Set(['Preparing', 'Loading', 'Verifying', 'Verified']);

/**
 * Source phases that ask nothing of the target. Before Stopping the source has promised nothing: no Commit was recorded,
 * and under a higher fence none can be, since nobody stops it any more. One that runs already is not started here.
 */
const ASKS_NOTHING: ReadonlySet<string> = new Set([
  ...['Prepared', 'PreCopying', 'PreCopy', 'Quiescing', 'Quiesced', 'Unquiescing'],
  'RolledBack',
]);

/** The orphan's source is on the named node: it runs again, or is given up. */
export function planOrphanSource(
  found: FoundOrphan,
  request: OrphanRequest,
  sides: OrphanSides,
  source: Held,
): Plan {
  return request.end === 'run' ? run(found, request, sides, source) : discard(found, sides, source);
}

function run(found: FoundOrphan, { proof }: OrphanRequest, sides: OrphanSides, source: Held): Plan {
  const { node, session } = source;
  const { phase } = session;
  if (phase === 'Releasing' || phase === 'Released')
    return refused(
      `the source on ${node} has been given up already (${phase}): there is no state to run with; --discard ends what is left`,
    );
  if (phase === 'Fenced') return refused(forgotten(node));
  const { target, silent } = sides;
  const no = target === null ? unseen(session, silent, proof) : standsAgainst(target, session, proof);
  if (no !== null) return refused(no);
  const steps: Step[] = claiming(found, sides);
  if (target !== null) steps.push(...discarding(target.session, target.node, wayBack(sides)));
  if (phase !== 'RolledBack') steps.push({ kind: 'rollBackSource', node, decision: wayBack(sides) });
  steps.push(...marking(found, 'BackAtSource'));
  const losses = lostDevices(session).map(
    (id) => `the state of ${id}, which its agent reports as lost: it is reset, and its workload is told`,
  );
  if (target === null && !ASKS_NOTHING.has(phase))
    losses.push(`whatever the set did at the target, which is ${notFound(silent)}, if it was started there`);
  return { kind: 'steps', steps: orNothing(steps), losses };
}

/** The agent knows the UID by its fence alone: what it knew of the set is gone. */
const forgotten = (node: string): string =>
  `the journal of ${node} knows nothing of a stopped set, so there is no state to run with; its devices are in quarantine, and --discard ends what is left of the migration`;

/** What the target's agent, or its devices, say against it; null: nothing. */
function standsAgainst(
  { node, session }: Held,
  source: SessionSnapshot,
  proof: string | null,
): string | null {
  const { phase, decision } = session;
  const runs = mayRun(session);
  const objects = !NOT_STARTED.has(phase) && (runs || !ASKS_NOTHING.has(source.phase));
  const objection = objects ? objectionOf(session, node) : null;
  const off = `switch ${node} off and run this again, with --target-is-dead`;
  if (objection !== null) {
    return runs && source.phase === 'Stopped'
      ? `${objection}; use --node ${node} --run, or ${off}`
      : `${objection}; ${off}`;
  }
  if (isDumb(session) && proof === null)
    return `no device of the set on ${node} answers its agent, so it may run there; when it surely does not, say why with --target-is-dead`;
  // A target that has promised and has seen Commit was about to be started, and nothing says that it was not meant to be.
  if (phase === 'Verified' && decision === 'Commit' && lostDevices(session).length === 0)
    return `the set may run on ${node}: its agent answers, has seen Commit and says ${phase}; use --node ${node} --run`;
  return null;
}

/** A set that was stopped has a target somewhere: on a node that is silent or not known, or that has forgotten it. */
function unseen({ phase }: SessionSnapshot, silent: readonly string[], proof: string | null): string | null {
  if (proof !== null || ASKS_NOTHING.has(phase)) return null;
  return `the target is ${notFound(silent)}: the set may run there; when it surely does not, say why with --target-is-dead`;
}

const notFound = (silent: readonly string[]): string =>
  silent.length === 0 ? 'on no node that is known' : `on no node that answers (${silent.join(', ')} did not)`;

function discard(found: FoundOrphan, sides: OrphanSides, { node, session }: Held): Plan {
  const { phase } = session;
  if (phase === 'RolledBack') return refused(`the set runs on ${node}; there is nothing to give up`);
  if (phase !== 'Stopped' && phase !== 'Releasing' && phase !== 'Released' && phase !== 'Fenced')
    return refused(
      `the source on ${node} is ${phase}: only a set that is all stopped can be given up; --run brings it back`,
    );
  const steps: Step[] = claiming(found, sides);
  if (phase === 'Stopped' || phase === 'Releasing') steps.push({ kind: 'releaseSource', node });
  const runs = sides.target?.session.phase === 'Active';
  steps.push(...marking(found, runs ? 'RunsAtTarget' : 'GivenUp'));
  const losses =
    runs || phase === 'Fenced'
      ? []
      : [`the state of the set on ${node}: its workload is told to end, and its devices are reset`];
  return { kind: 'steps', steps: orNothing(steps), losses };
}
