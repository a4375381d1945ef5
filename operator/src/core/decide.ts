import type { DecisionValue } from '@transship/crds';
import type { Failure } from '@transship/node-agent/contract';
import type { Action } from './action.ts';
import { afterAbort, afterCommit } from './decided.ts';
import { clearLeft } from './fallback.ts';
import type { Observed, SessionView } from './observed.ts';
import { fenceRegressed, recordRegressed } from './regressed.ts';
import { undecided } from './undecided.ts';

/** Both agents were asked to accept the held fence; null: that one does not answer. */
export interface Attached extends Observed {
  readonly plan: Exclude<Observed['plan'], { refused: Failure }>;
  readonly s: SessionView | null;
  readonly t: SessionView | null;
}

/** Both agents answer. */
export interface Answering extends Attached {
  readonly s: SessionView;
  readonly t: SessionView;
}

/**
 * What the operator does next with one migration: a pure function over everything observed. It is asked
 * again after every action, so a repeat, a restart or another leader in between is the ordinary case.
 */
export function decide(observed: Observed): Action {
  const { record, plan, held } = observed;
  if (record.ended) return record.finalizerPresent ? { kind: 'removeFinalizer' } : { kind: 'none' };
  if ('refused' in plan) {
    // Once a fence was raised the set may be anywhere, even stopped: another version took this manifest.
    if (record.fence > 0) return { kind: 'stall', failure: plan.refused };
    return { kind: 'finish', phase: 'Rejected', failure: plan.refused };
  }
  if (!record.finalizerPresent) {
    if (record.deletionRequested) return { kind: 'none' };
    return { kind: 'addFinalizer' };
  }
  if (held === null) return { kind: 'raiseFence' };
  const older = fenceRegressed(observed);
  if (older !== null) return { kind: 'stall', failure: older };
  if (held !== record.fence || observed.superseded) return { kind: 'yield' };
  const { source, target } = observed;
  // An agent that has not accepted this fence may still obey an older one: nothing is concluded before.
  if (source.kind === 'unattached' || target.kind === 'unattached') return { kind: 'attach' };
  const s = source.kind === 'session' ? source.session : null;
  const t = target.kind === 'session' ? target.session : null;
  const attached: Attached = { ...observed, plan, s, t };
  const behind = recordRegressed(attached);
  if (behind !== null) return { kind: 'stall', failure: behind };
  if (record.decision === 'Undecided') return undecided(attached);
  const action = decided(attached, record.decision);
  return action.kind === 'finish' ? clearLeft(attached, record.decision, action) : action;
}

function decided(attached: Attached, decision: Exclude<DecisionValue, 'Undecided'>): Action {
  switch (decision) {
    case 'Commit':
      return afterCommit(attached);
    case 'Abort':
    case 'Revert':
      return afterAbort(attached, decision);
  }
}
