import { startRollBack } from './source-commands.ts';
import type { DeviceState, KnownState } from './device-state.ts';
import { type Draft, fail } from './draft.ts';
import { onTheWayBack } from './phase.ts';
import type { LiveDevice } from './session.ts';

/**
 * One step of a source towards the goal of its phase: starts what can be started and returns true when the
 * phase changed, so that the caller goes on. Level-based: it looks at where the devices are, not at how
 * they got there, so a repeat or a restart is harmless.
 */
export function advanceSource(draft: Draft): boolean {
  if (draft.l.halted) return false;
  switch (draft.phase) {
    case 'PreCopying':
      return preCopying(draft);
    case 'Quiescing':
      return quiescing(draft);
    case 'Unquiescing':
      return unquiescing(draft);
    case 'Stopping':
      return stopping(draft);
    case 'RollingBack':
      return draft.s.cameFromStop ? rollingBackStopped(draft) : rollingBackRunning(draft);
    case 'Restarting':
      return restarting(draft);
    case 'Releasing':
      return releasing(draft);
    default:
      return false;
  }
}

const P2P: ReadonlySet<KnownState> = new Set<KnownState>(['RunningP2P', 'PreCopyP2P']);

/** Walks every idle device; true when all have arrived. `next`: the following arc, or null at the goal. */
function walk(
  draft: Draft,
  next: (index: number, state: KnownState) => DeviceState | 'reset' | 'wait' | null,
): boolean {
  let arrived = true;
  for (const index of draft.indexes) {
    if (!draft.idle(index)) {
      arrived = false;
      continue;
    }
    const to = next(index, draft.device(index).state);
    if (to === null) continue;
    arrived = false;
    if (to === 'reset') draft.reset(index);
    else if (to !== 'wait') draft.arc(index, to);
  }
  return arrived;
}

/** A workload of which nothing is known may be frozen; to thaw one that runs does no harm. */
const mayStandStill = ({ l }: Draft): boolean => l.workload === 'frozen' || l.workload === 'unknown';

/**
 * On the way back of a set that was not stopped. A v2 device in a P2P state is not to be touched (V2-23), so it goes home
 * before the thaw; a v1 device may be, and one whose state RESET takes away. While a call is out that a page-faulting device
 * may need its workload for, or one that hangs, the thaw comes first: what a touched device could do is leave a state that
 * is given up anyway, and every peer takes its DMA.
 */
function mayBeThawed(draft: Draft): boolean {
  const waits = ({ op }: LiveDevice): boolean =>
    op !== null && (op.overdue || (op.kind === 'arc' && !op.homeward));
  const untouchable = (index: number): boolean => {
    const { state, op } = draft.device(index);
    return draft.bound(index).protocol === 'v2' && P2P.has(state) && op?.kind !== 'reset';
  };
  return draft.l.devices.some(waits) || !draft.indexes.some(untouchable);
}

/** A thaw tells first which devices were lost, also to a workload that runs already. */
const needsThaw = (draft: Draft): boolean =>
  mayStandStill(draft) ||
  (draft.l.workload === 'running' && draft.s.devices.some((device) => device.untold === true));

/** A device that will not be walked any more: reset (its state is gone) or withheld. */
const outOfTheSet = (draft: Draft, index: number): boolean =>
  draft.bound(index).quarantined || (draft.bound(index).lost && draft.device(index).state === 'Running');

function preCopying(draft: Draft): boolean {
  const { generation } = draft.s;
  const arrived = walk(draft, (index, state) => {
    if (state === 'Running') return 'PreCopy';
    // A new generation of a running device is a new saving session: leave the old one first.
    if (state === 'PreCopy') return draft.device(index).savingGeneration === generation ? null : 'Running';
    return unexpected(draft, index, state);
  });
  if (!arrived) return false;
  draft.effects.push({ kind: 'startSaving', generation });
  draft.setLive({ streaming: generation });
  draft.enter('PreCopy');
  return true;
}

function quiescing(draft: Draft): boolean {
  if (draft.l.workload !== 'frozen') {
    if (draft.l.workloadOp === null) draft.freeze();
    return false;
  }
  const arrived = walk(draft, (index, state) => {
    if (!draft.bound(index).p2p)
      return state === 'Running' || state === 'PreCopy' ? null : unexpected(draft, index, state);
    if (state === 'Running') return 'RunningP2P';
    if (state === 'PreCopy') return 'PreCopyP2P';
    return state === 'RunningP2P' || state === 'PreCopyP2P' ? null : unexpected(draft, index, state);
  });
  if (!arrived) return false;
  draft.effects.push({ kind: 'disarmQuiesceDeadline' });
  draft.enter('Quiesced');
  return true;
}

function unquiescing(draft: Draft): boolean {
  // Thaw first: a page-faulting device may need its workload to finish the arc that is still out.
  if (draft.l.workloadOp !== null) return false;
  if (needsThaw(draft)) {
    draft.thaw();
    return false;
  }
  const arrived = walk(draft, (index, state) => {
    if (state === 'RunningP2P') return 'Running';
    if (state === 'PreCopyP2P') return 'PreCopy';
    return state === 'Running' || state === 'PreCopy' ? null : unexpected(draft, index, state);
  });
  if (!arrived) return false;
  draft.enter(draft.l.streaming === 0 ? 'Prepared' : 'PreCopy');
  return true;
}

function stopping(draft: Draft): boolean {
  const { generation } = draft.s;
  const arrived = walk(draft, (index, state) => {
    const { p2p } = draft.bound(index);
    if (state === 'PreCopyP2P') return 'StopCopy';
    if (state === 'RunningP2P') return 'Stop';
    if (state === 'Stop') return 'StopCopy';
    if (state === 'StopCopy') return draft.device(index).savingGeneration === generation ? null : 'Stop';
    if (!p2p && state === 'PreCopy') return 'StopCopy';
    if (!p2p && state === 'Running') return 'Stop';
    return unexpected(draft, index, state);
  });
  if (!arrived) return false;
  if (draft.l.streaming !== generation) {
    draft.effects.push({ kind: 'startSaving', generation });
    draft.setLive({ streaming: generation });
  }
  if (!draft.l.draining) {
    draft.effects.push({ kind: 'drain', generation });
    draft.setLive({ draining: true });
  }
  if (!draft.l.streams.every((stream) => stream.ended)) return false;
  draft.setSession({ promised: draft.l.streams.map((stream) => stream.totals) });
  draft.enter('Stopped');
  return true;
}

/** Way back of a set that was never stopped: thaw first, each device home by itself. */
function rollingBackRunning(draft: Draft): boolean {
  endSaving(draft);
  if (draft.l.workloadOp === null && mayStandStill(draft) && mayBeThawed(draft)) draft.thaw();
  const arrived = walk(draft, (index, state) => {
    if (outOfTheSet(draft, index)) return null;
    if (state === 'Running') return null;
    if (state === 'RunningP2P' || state === 'PreCopy') return 'Running';
    if (state === 'PreCopyP2P') return 'PreCopy';
    return lastResort(draft, index, state);
  });
  return arrived && goesOn(draft);
}

/** The devices are home: the last step of both ways back. A workload that has ended holds nobody up. */
function goesOn(draft: Draft): boolean {
  if (draft.l.workloadOp !== null) return false;
  if (needsThaw(draft)) {
    draft.thaw();
    return false;
  }
  if (draft.l.workload === 'discarded') {
    draft.note(fail('WorkloadFailed', 'the workload has ended; its devices run without it'));
  }
  draft.enter('RolledBack');
  return true;
}

/** Where a lone device without P2P may stand before it is told to run; it may have refused to stop at all. */
const HOME_WITHOUT_P2P: ReadonlySet<KnownState> = new Set<KnownState>(['Stop', 'PreCopy', 'Running']);

/** Way back of a stopped set, first half: all to RunningP2P; none starts DMA into a peer that is stopped. */
function rollingBackStopped(draft: Draft): boolean {
  endSaving(draft);
  const arrived = walk(draft, (index, state) => {
    if (outOfTheSet(draft, index)) return null;
    if (state === 'StopCopy') return 'Stop';
    if (!draft.bound(index).p2p) return HOME_WITHOUT_P2P.has(state) ? null : lastResort(draft, index, state);
    if (state === 'Stop' || state === 'PreCopyP2P') return 'RunningP2P';
    return state === 'RunningP2P' ? null : lastResort(draft, index, state);
  });
  if (!arrived) return false;
  draft.enter('Restarting');
  return true;
}

/** Second half: all Running, then the workload. */
function restarting(draft: Draft): boolean {
  const arrived = walk(draft, (index, state) => {
    if (outOfTheSet(draft, index) || state === 'Running') return null;
    if (state === 'RunningP2P' || state === 'PreCopy') return 'Running';
    if (state === 'Stop' && !draft.bound(index).p2p) return 'Running';
    return lastResort(draft, index, state);
  });
  return arrived && goesOn(draft);
}

function releasing(draft: Draft): boolean {
  endSaving(draft);
  if (draft.l.workloadOp !== null) return false;
  if (draft.l.workload !== 'discarded') {
    draft.discardWorkload();
    return false;
  }
  const arrived = walk(draft, (index, state) => {
    if (draft.bound(index).quarantined || state === 'Running') return null;
    return state === 'StopCopy' ? 'Stop' : state === 'Unknown' ? 'wait' : 'reset';
  });
  if (!arrived) return false;
  // What a device held was to go: one that was reset before its turn has nothing more to be sorry for.
  for (const index of draft.indexes) {
    const { lost, quarantined } = draft.bound(index);
    if (lost && !quarantined) draft.setBound(index, { lost: false });
  }
  draft.told(draft.indexes);
  draft.enter('Released');
  return true;
}

function endSaving(draft: Draft): void {
  if (draft.l.streaming === 0) return;
  draft.effects.push({ kind: 'endSaving' });
  draft.setLive({ streaming: 0, draining: false });
}

/**
 * Recovery, written once: the named state has failed or is out of reach, so RESET. A device that does not
 * answer is waited for: it comes back with an incarnation that says whether its state is gone.
 */
function lastResort(draft: Draft, index: number, state: KnownState): 'reset' | 'wait' {
  if (state === 'Unknown') return 'wait';
  const { id } = draft.bound(index);
  draft.lose(index, fail('DeviceStateLost', `${id} was ${state} on the way back and had to be reset`, id));
  return 'reset';
}

/** On the way out a device is where no arc of ours could have put it. */
function unexpected(draft: Draft, index: number, state: KnownState): 'wait' {
  const { id } = draft.bound(index);
  if (state === 'Unknown') return 'wait';
  const why =
    state === 'Error'
      ? fail('DeviceError', `${id} is in the error state`, id)
      : fail('DeviceStateLost', `${id} is ${state}, which this migration did not order`, id);
  sourceFailed(draft, why);
  return 'wait';
}

/**
 * An error on the way out. Before `stop` was journalled the agent turns round by itself; afterwards only the
 * record may say so, so it waits for a command.
 */
export function sourceFailed(draft: Draft, why: Parameters<Draft['note']>[0]): void {
  draft.note(why);
  if (draft.phase === 'Stopping') draft.setLive({ halted: true });
  else if (draft.phase !== 'Stopped' && !onTheWayBack(draft.phase)) startRollBack(draft);
}
