import type { ConditionType, DecisionValue } from '@transship/crds';
import type { Failure, SessionSnapshot } from '@transship/node-agent/contract';
import type { StoredMigration } from '../reconcile/ports.ts';

/** What becomes of a session that still holds devices although its object has ended. */
export type Verdict =
  | { readonly kind: 'none' }
  /** It was not ordered to run and never will be: it is reset, on what is recorded. */
  | { readonly kind: 'discard'; readonly decision: Exclude<DecisionValue, 'Undecided'> }
  /** It is the source of a set that runs at its target: its workload is ended and it is reset, by Commit. */
  | { readonly kind: 'release' }
  /** It may run, or may have: only a person can say. */
  | { readonly kind: 'person'; readonly failure: Failure };

type Ended = Pick<StoredMigration, 'key' | 'uid' | 'spec' | 'status'>;

const NONE = { kind: 'none' } as const;
/** Activation was ordered: some of its devices may run. */
const ORDERED: ReadonlySet<string> = new Set(['Activating', 'Starting']);
const HOLDS_NOTHING: ReadonlySet<string> = new Set(['Fenced', 'Active', 'Discarded']);
const NOTHING_TO_RELEASE: ReadonlySet<string> = new Set(['Fenced', 'Released', 'RolledBack']);

/** The nodes that an object may have left a target on. */
export function targetNodes({ spec, status }: Ended): readonly string[] {
  const left = status.target?.abandoned.map(({ nodeName }) => nodeName) ?? [];
  const named = spec.ok ? spec.value.target.nodeName : undefined;
  const first = named === undefined ? (status.targetPod?.nodeName ?? []) : named;
  return [...new Set([first, recordedTarget(status), left].flat())];
}

/** Whether a target may have been left behind at all: one that has become Active, or that nobody was told of, was not. */
export function mayLeaveTarget({ status }: Ended): boolean {
  const { completedAt, phase, decision, target } = status;
  if (completedAt === undefined || decision.value === 'Undecided') return false;
  return phase !== 'Succeeded' || target !== undefined;
}

/** The source that an object succeeded without; none: it was released, or the object has not succeeded. */
export function heldSource({ spec, status }: Ended): readonly string[] {
  if (!spec.ok || status.phase !== 'Succeeded' || status.decision.value !== 'Commit') return [];
  const isHeld = status.conditions.some(
    ({ type, status: is }) => type === ('SourceNotReleased' satisfies ConditionType) && is === 'True',
  );
  return isHeld ? [spec.value.source.nodeName] : [];
}

/**
 * A pure function of the record and of what the agent of `node` says. A target that was told to run is never given up here,
 * but for one that has lost its state under a recorded Revert, where a person has proven that it does not run.
 */
export function verdictOn(ended: Ended, node: string, session: SessionSnapshot): Verdict {
  if (session.role === 'source') return verdictOnSource(ended, node, session);
  if (!mayLeaveTarget(ended) || HOLDS_NOTHING.has(session.phase)) return NONE;
  // It is on its way, and ordered again only when that has stopped.
  if (session.phase === 'Discarding' && !session.settled) return NONE;
  const { value: decision } = ended.status.decision;
  if (decision === 'Undecided') return NONE;
  const isAbandoned = ended.status.target?.abandoned.some(({ nodeName }) => nodeName === node) === true;
  const mayRun = ORDERED.has(session.phase);
  const isLost = session.devices.some(({ lost }) => lost);
  if (mayRun && decision === 'Revert' && isLost) return { kind: 'discard', decision };
  if (mayRun) return { kind: 'person', failure: toPerson(ended, node, session, isLost) };
  if (isAbandoned) return { kind: 'discard', decision: asAbandoned(session) };
  if (decision !== 'Commit') return { kind: 'discard', decision };
  return { kind: 'person', failure: toPerson(ended, node, session, isLost) };
}

/**
 * What became of the set is no affair of a target that was left: Commit and Revert would end a workload that runs there by
 * now, whosever it is. One that was told of a decision before is told the same again.
 */
const asAbandoned = ({ decision }: SessionSnapshot): 'Commit' | 'Abort' | 'Revert' =>
  decision === 'Undecided' ? 'Abort' : decision;

/** Only Revert lets a stopped source run, and none is recorded: it is released whenever it comes back. */
function verdictOnSource(ended: Ended, node: string, { phase, settled }: SessionSnapshot): Verdict {
  if (!heldSource(ended).includes(node) || NOTHING_TO_RELEASE.has(phase)) return NONE;
  if (phase === 'Stopped' || (phase === 'Releasing' && settled)) return { kind: 'release' };
  if (phase === 'Releasing') return NONE;
  const message = `the source on ${node} is ${phase} although Commit is recorded and the set runs at its target; switch ${node} off before anything else`;
  return { kind: 'person', failure: { code: 'RecordRegressed', message, device: null } };
}

/** What a person does about it, precisely; docs/recover.md says the same. */
function toPerson(
  { key, status }: Ended,
  node: string,
  { phase }: SessionSnapshot,
  isLost: boolean,
): Failure {
  const name = key.namespace === '' ? key.name : `${key.namespace}/${key.name}`;
  const home = `\`transship recover ${name} --source --target-is-dead "WHY"\``;
  const away = `\`transship recover ${name} --discard\``;
  const isWhole = ORDERED.has(phase) && !isLost;
  const found = `the target on ${node} is ${phase}, ${status.decision.value} is recorded, and the migration has ended`;
  const remedy = isWhole
    ? `it goes on to start the set: when it says Active, ${away} frees the source; or switch ${node} off for good, then ${home} lets the set run at the source`
    : `${home} lets the set run at the source, ${away} gives it up; either resets the target`;
  return { code: 'TargetLost', message: `${found}; ${remedy}`, device: null };
}

const recordedTarget = ({ target }: Ended['status']): string[] =>
  target === undefined ? [] : [target.nodeName];
