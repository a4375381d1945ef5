import type { DecisionValue } from '@transship/crds';
import type { Action } from './action.ts';
import type { Attached } from './decide.ts';
import { asReason, failure, fromReason } from './failure.ts';
import { hasLeft } from './fallback.ts';
import type { SessionView } from './observed.ts';

/** Commit is recorded: forward only, unless the target's own journal says that it never left Stop. */
export function afterCommit({ s, t, targetFenced, sourceFenced }: Attached): Action {
  if (t === null)
    return targetFenced === true ? targetDead(s) : { kind: 'wait', on: 'the agent of the target node' };
  if (isAnother(s, t)) {
    const message = `generation ${s?.generation} was committed, and the target holds generation ${t.generation}`;
    return { kind: 'stall', failure: failure('RecordRegressed', message) };
  }
  switch (t.phase) {
    case 'Active':
      return release(s);
    case 'Verified':
      // Its devices were reset before activation was ordered: nothing ran, so the way back is open.
      if (t.devices.some((device) => device.lost)) {
        return { kind: 'commandTarget', command: { kind: 'discard', decision: 'Commit' } };
      }
      return activateFirst(s, sourceFenced === true);
    case 'Activating':
    case 'Starting':
      if (t.devices.some((device) => device.lost)) {
        const why = t.error?.message ?? 'a device lost its state';
        return {
          kind: 'finish',
          phase: 'Failed',
          failure: failure('TargetLost', `after activation was ordered: ${why}`),
        };
      }
      if (!t.settled) return { kind: 'wait', on: 'the target to run' };
      return { kind: 'commandTarget', command: { kind: 'activate', decision: 'Commit' } };
    case 'Discarding':
      if (!t.settled) return { kind: 'wait', on: 'the target to be reset' };
      return { kind: 'commandTarget', command: { kind: 'discard', decision: 'Commit' } };
    case 'Discarded': {
      const withheld = t.devices.find((device) => device.quarantined);
      // Revert needs every device RESET: one that was not may still hold what it was given.
      if (withheld !== undefined) {
        const message = `${withheld.id} was never started, but its RESET failed`;
        return { kind: 'finish', phase: 'Failed', failure: failure('TargetLost', message, withheld.id) };
      }
      const why =
        t.error ?? failure('DeviceStateLost', 'the target lost what it had loaded before it was started');
      return { kind: 'recordDecision', from: 'Commit', to: 'Revert', reason: asReason(why) };
    }
    default:
      // Commit needs a target that had promised: this journal is not the one that did.
      return {
        kind: 'stall',
        failure: failure('TargetLost', `Commit is recorded and the target's journal says ${t.phase}`),
      };
  }
}

/** Of a target that may be started, or is being. */
const MAY_START: ReadonlySet<string> = new Set(['Verified', 'Activating', 'Starting']);

/**
 * Each target has generations of its own, so this is not the one that Commit was recorded for: the record has forgotten
 * that it was left, as one that an older definition of it pruned.
 */
const isAnother = (s: Attached['s'], t: SessionView): boolean =>
  s !== null && s.generation !== 0 && MAY_START.has(t.phase) && s.generation !== t.generation;

/**
 * The source journals Commit before the target runs: a record that comes back from a backup, while the target does not
 * answer, finds it there. A source that is silent may be the one that a restored record asks first, so it is waited for,
 * but not one that is shut down: what its devices held is gone.
 */
function activateFirst(s: Attached['s'], sourceFenced: boolean): Action {
  if (s === null && !sourceFenced) return { kind: 'wait', on: 'the agent of the source node' };
  if (s?.phase === 'Stopped' && s.decision === 'Undecided' && s.takesCommit)
    return { kind: 'commandSource', command: { kind: 'commit', decision: 'Commit' } };
  return { kind: 'commandTarget', command: { kind: 'activate', decision: 'Commit' } };
}

/**
 * The node of the target is shut down and cannot say whether it ran. It is presumed to have: its workload may have been
 * seen by the world, so the source stays stopped for a person to decide. A source that is being released was so only
 * because the target ran.
 */
function targetDead(s: Attached['s']): Action {
  if (s?.phase === 'Releasing' || s?.phase === 'Released') return release(s);
  const message = 'the node of the target is out of service, and its activation may have been ordered';
  return { kind: 'finish', phase: 'Failed', failure: failure('TargetLost', message) };
}

function release(s: Attached['s']): Action {
  if (s === null) return { kind: 'wait', on: 'the agent of the source node' };
  if (s.phase === 'Released') return { kind: 'finish', phase: 'Succeeded', failure: null };
  if (s.phase === 'Stopped' || (s.phase === 'Releasing' && s.settled)) {
    return { kind: 'commandSource', command: { kind: 'release', decision: 'Commit' } };
  }
  if (s.phase === 'Releasing') return { kind: 'wait', on: 'the source to be reset' };
  return {
    kind: 'stall',
    failure: failure('RecordMissing', `the target runs and the source's journal says ${s.phase}`),
  };
}

/** Abort or Revert is recorded: the source runs again, then the target is reset. */
export function afterAbort(o: Attached, decision: DecisionValue & ('Abort' | 'Revert')): Action {
  const { s, t, record, targetFenced } = o;
  // The source first: its users wait. A target that does not answer holds nobody up but itself.
  if (s === null) return { kind: 'wait', on: 'the agent of the source node' };
  // A source that was stopped has a session: the journal that knew it is gone, and so is what it would take back.
  if (s.phase === 'Fenced' && record.stopping) {
    const message = `${decision} is recorded and the source's journal knows nothing of the set that was stopped`;
    return { kind: 'stall', failure: failure('RecordMissing', message) };
  }
  if (s.phase !== 'RolledBack') {
    const moving = (s.phase === 'RollingBack' || s.phase === 'Restarting') && !s.settled;
    if (!moving) return { kind: 'commandSource', command: { kind: 'rollBack', decision } };
    return { kind: 'wait', on: 'the source to run again' };
  }
  // Activation was not and will not be ordered; devices of a node that is shut down have lost what they were given.
  if (t === null && targetFenced !== true) return { kind: 'wait', on: 'the agent of the target node' };
  if (t !== null && t.phase !== 'Discarded') {
    if (t.phase === 'Discarding' && !t.settled) return { kind: 'wait', on: 'the target to be reset' };
    return { kind: 'commandTarget', command: { kind: 'discard', decision } };
  }
  const why = fromReason(record.reason) ?? failure('Cancelled', 'given up');
  const cost = s.devices.find((device) => device.lost);
  if (cost !== undefined) {
    const message = `${cost.id} lost its state on the way back; first error: ${why.message}`;
    return { kind: 'finish', phase: 'Failed', failure: failure('DeviceStateLost', message, cost.id) };
  }
  if (why.code === 'Cancelled') return { kind: 'finish', phase: 'Aborted', failure: why };
  return { kind: 'finish', phase: neverBound(o) ? 'Rejected' : 'Failed', failure: why };
}

/**
 * Nobody has bound a device, by the tombstones of both sides: no order that is still on its way, of whatever fence, gets
 * past those. What this process remembers of sessions that were only attached would not do: another may have gone on.
 */
const neverBound = (o: Attached): boolean =>
  o.s?.devices.length === 0 && o.t?.devices.length === 0 && !hasLeft(o);
