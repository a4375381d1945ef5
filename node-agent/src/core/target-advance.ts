import type { KnownState } from './device-state.ts';
import { type Draft, fail } from './draft.ts';
import type { Failure } from './session.ts';
import { beforePromise } from './target-commands.ts';

/** One step of a target towards the goal of its phase; the counterpart of advanceSource. */
export function advanceTarget(draft: Draft): boolean {
  if (draft.l.halted) return false;
  switch (draft.phase) {
    case 'Preparing':
      return preparing(draft);
    case 'Verifying':
      return verifying(draft);
    case 'Activating':
      return activating(draft);
    case 'Starting':
      return starting(draft);
    case 'Discarding':
      return discarding(draft);
    default:
      return false;
  }
}

const at = (draft: Draft, index: number): KnownState => draft.device(index).state;
const every = (draft: Draft, test: (index: number) => boolean): boolean => draft.indexes.every(test);
const idleAt = (draft: Draft, index: number, ...states: KnownState[]): boolean =>
  draft.idle(index) && states.includes(at(draft, index));

function preparing(draft: Draft): boolean {
  const quiet = (index: number): boolean =>
    draft.device(index).cleared &&
    (draft.bound(index).p2p ? idleAt(draft, index, 'RunningP2P') : idleAt(draft, index, 'Running'));
  const beyond = (index: number): boolean =>
    draft.device(index).cleared && ['Stop', 'Resuming'].includes(at(draft, index));
  // The barrier holds for idle devices too: nobody can know what else still points at them.
  const barrier = every(draft, (index) => quiet(index) || beyond(index));
  for (const index of draft.indexes) {
    if (!draft.idle(index)) continue;
    const state = at(draft, index);
    if (!draft.device(index).cleared) {
      if (state !== 'Unknown') draft.reset(index);
    } else if (quiet(index)) {
      if (barrier) draft.arc(index, 'Stop');
    } else if (state === 'Running') {
      draft.arc(index, 'RunningP2P');
    } else if (state === 'Stop') {
      draft.arc(index, 'Resuming');
    } else if (state !== 'Resuming' && state !== 'Unknown') {
      draft.halt(
        fail('DeviceStateLost', `${draft.bound(index).id} is ${state} after RESET`, draft.bound(index).id),
      );
      return false;
    }
  }
  if (!every(draft, (index) => draft.device(index).cleared && idleAt(draft, index, 'Resuming'))) return false;
  const { generation } = draft.s;
  draft.effects.push({ kind: 'startLoading', generation });
  // What waits for a state, or has one, is a workload that stands still.
  draft.setLive({ streaming: generation, workload: 'frozen' });
  draft.enter('Loading');
  return true;
}

/** Every device leaves Resuming and judges what it was given; all are at Stop before any goes on. */
function verifying(draft: Draft): boolean {
  for (const index of draft.indexes) if (idleAt(draft, index, 'Resuming')) draft.arc(index, 'Stop');
  if (!every(draft, (index) => idleAt(draft, index, 'Stop'))) return false;
  draft.enter('Verified');
  return true;
}

function activating(draft: Draft): boolean {
  if (lostOnTheWay(draft)) return false;
  const quiet = (index: number): boolean =>
    draft.bound(index).p2p ? idleAt(draft, index, 'RunningP2P') : idleAt(draft, index, 'Stop');
  for (const index of draft.indexes) {
    if (draft.bound(index).p2p && idleAt(draft, index, 'Stop')) draft.arc(index, 'RunningP2P');
  }
  if (!every(draft, quiet)) return false;
  // Barrier B. Journalled before any device may run, so that Running is explained from here on.
  draft.enter('Starting');
  return true;
}

function starting(draft: Draft): boolean {
  if (lostOnTheWay(draft)) return false;
  for (const index of draft.indexes) {
    const ready = draft.bound(index).p2p ? 'RunningP2P' : 'Stop';
    if (idleAt(draft, index, ready)) draft.arc(index, 'Running');
  }
  if (!every(draft, (index) => idleAt(draft, index, 'Running')) || draft.l.workloadOp !== null) return false;
  if (draft.l.workload !== 'running') {
    draft.thaw();
    return false;
  }
  draft.enter('Active');
  return true;
}

function lostOnTheWay(draft: Draft): boolean {
  for (const index of draft.indexes) {
    const { id, lost } = draft.bound(index);
    const state = at(draft, index);
    const unexplained = draft.phase === 'Activating' && state === 'Running' && draft.idle(index);
    if (unexplained || state === 'Error') {
      draft.lose(index, fail('DeviceStateLost', `${id} is ${state}, which this migration did not order`, id));
    }
    if (lost || draft.bound(index).lost) {
      draft.halt(fail('TargetLost', `${id} lost its state after activation was ordered`, id));
      return true;
    }
  }
  return false;
}

function discarding(draft: Draft): boolean {
  // A copy that will never run does not stay; one that runs although nobody told it to is stopped first.
  if (draft.l.workloadOp === null) {
    if (draft.l.workload === 'frozen') draft.discardWorkload();
    else if (draft.l.workload === 'running' && mustEnd(draft)) draft.freeze();
  }
  for (const index of draft.indexes) {
    const gone = draft.device(index).cleared || draft.bound(index).quarantined;
    if (!gone && draft.idle(index) && at(draft, index) !== 'Unknown') draft.reset(index);
  }
  const done = every(
    draft,
    (index) => draft.idle(index) && (draft.device(index).cleared || draft.bound(index).quarantined),
  );
  if (!done || draft.l.workloadOp !== null) return false;
  draft.enter('Discarded');
  return true;
}

/** Commit was recorded and this target is given up: with that the source may run again, so nothing may run here. */
export const mustEnd = ({ phase, s }: Draft): boolean =>
  s.role === 'target' &&
  phase === 'Discarding' &&
  (s.decisionSeen === 'Commit' || s.decisionSeen === 'Revert');

/** Only a target that is given up on Revert may have been told to run; the journal does not say whether it was. */
export const mayBeThawedLate = (draft: Draft): boolean => mustEnd(draft) && draft.s.decisionSeen === 'Revert';

/** An error on the target. Before the promise it waits for a new generation; afterwards for the same order again. */
export function targetFailed(draft: Draft, why: Failure): void {
  if (beforePromise(draft.phase) || draft.phase === 'Activating' || draft.phase === 'Starting')
    draft.halt(why);
  else draft.note(why);
}
