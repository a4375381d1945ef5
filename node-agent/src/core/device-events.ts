import { type Draft, fail, UNTOLD } from './draft.ts';
import type { AgentEvent } from './effects.ts';
import type { KnownState } from './device-state.ts';
import { onTheWayBack } from './phase.ts';
import type { Failure } from './session.ts';
import { sourceFailed } from './source-advance.ts';
import { mayBeThawedLate, mustEnd, targetFailed } from './target-advance.ts';

type DeviceEvent = Exclude<
  AgentEvent,
  { kind: 'command' | 'restarted' | 'quiesceDeadline' | 'streams' | 'streamFailed' | 'operatorLost' }
>;

/** Results of operations, and what happens to devices and workload by themselves. */
export function onDeviceEvent(draft: Draft, event: DeviceEvent): void {
  switch (event.kind) {
    case 'arcDone':
      onArcDone(draft, event.device, event.state, event.failure);
      break;
    case 'resetDone':
      onResetDone(draft, event);
      break;
    case 'overdue': {
      const { op } = draft.device(event.device);
      if (op !== null) draft.setDevice(event.device, { op: { ...op, overdue: true } });
      break;
    }
    case 'workloadDone':
      onWorkloadDone(draft, event);
      break;
    case 'incarnationChanged':
      onIncarnationChanged(draft, event);
      break;
  }
}

const failed = (draft: Draft, why: Failure): void =>
  draft.s.role === 'source' ? sourceFailed(draft, why) : targetFailed(draft, why);

function onArcDone(draft: Draft, index: number, state: KnownState, failure: Failure | null): void {
  const { op } = draft.device(index);
  if (failure === null) draft.arrived(index, state);
  else draft.found(index, state);
  draft.setDevice(index, { op: null });
  if (failure === null) return;
  if (state === 'Error') draft.lose(index, failure);
  if (!onTheWayBack(draft.phase)) {
    failed(draft, failure);
    return;
  }
  // The first error stays reported.
  draft.note(failure);
  // What was ordered before the set turned round need not succeed: the device is walked home from where it is.
  const homeward = op?.kind === 'arc' && op.homeward;
  if (!homeward || state === 'Unknown') return;
  // Nothing else is left: the named state failed, so RESET.
  if (draft.phase !== 'Releasing') draft.lose(index, failure);
  draft.reset(index);
}

type WorkloadDone = Extract<DeviceEvent, { kind: 'workloadDone' }>;

/**
 * A workload that does not obey on the way back is left to the next command, not tried in a loop. A freeze that
 * fails there is no error of the way back.
 */
function onWorkloadDone(draft: Draft, event: WorkloadDone): void {
  const ranOn = draft.l.workload === 'running';
  draft.setLive({ workload: event.state, workloadOp: null });
  if (event.failure === null) {
    if (event.op === 'thaw') draft.told(event.told ?? draft.indexes);
    return;
  }
  if (event.op === 'thaw' && event.state === 'discarded') {
    onNobodyToThaw(draft, { ...event.failure, code: 'WorkloadFailed' });
    return;
  }
  // The source may run again once this target is given up: a copy that runs, or may, has to end before that.
  if (mustEnd(draft) && mayRunOn(draft, event, ranOn)) {
    draft.setLive({ workload: 'running' });
    // A thaw was ordered on the way forward: what stops the copy has not been tried yet.
    if (event.op !== 'thaw') draft.halt({ ...event.failure, code: 'WorkloadFailed' });
    return;
  }
  // A freeze that was given up may yet be obeyed, whatever the workload says now: only a thaw takes it back.
  if (event.op === 'freeze' && event.state === 'running') draft.setLive({ workload: 'unknown' });
  // A copy at the target that cannot be emptied holds nobody up: it stays frozen, and the next load replaces it.
  if (event.op === 'discard' && draft.s.role === 'target') draft.setLive({ workload: 'unknown' });
  if (onTheWayBack(draft.phase) && event.op !== 'freeze') draft.halt(event.failure);
  else failed(draft, event.failure);
}

/** Whether a copy runs at a target after an order that failed, or could run when an order is obeyed late. */
function mayRunOn(draft: Draft, { op, state }: WorkloadDone, ranOn: boolean): boolean {
  if (state === 'discarded' || state === 'running') return state === 'running';
  // What still stands there could be thawed by whoever compares no names: it is told again until it has ended.
  if (op === 'discard') return mayBeThawedLate(draft);
  return op === 'thaw' || ranOn;
}

/**
 * The workload has ended, and what it had in memory with it. At the source the devices go home without it. At the
 * target that was told to run nobody knows what it has done before: the set is lost there.
 */
function onNobodyToThaw(draft: Draft, ended: Failure): void {
  if (draft.s.role === 'source') {
    if (onTheWayBack(draft.phase)) draft.note(ended);
    else sourceFailed(draft, ended);
    return;
  }
  for (const index of draft.indexes) draft.lose(index, ended);
  targetFailed(draft, ended);
}

function onResetDone(draft: Draft, event: Extract<DeviceEvent, { kind: 'resetDone' }>): void {
  const { device: index, state, incarnation, failure } = event;
  const { id } = draft.bound(index);
  draft.setDevice(index, { state, op: null, savingGeneration: 0 });
  if (failure === null && state === 'Running') {
    draft.setDevice(index, { cleared: true });
    // Source: a RESET on the way back has cost the state. Target: this is how every load begins.
    const lost = draft.s.role === 'source' && draft.phase !== 'Releasing';
    draft.setBound(index, { incarnation, lost, ...(lost ? UNTOLD : {}) });
    if (event.afterwards !== undefined) failed(draft, event.afterwards);
    return;
  }
  const why = failure ?? fail('ResetFailed', `${id} is ${state} after RESET, not Running`, id);
  draft.setBound(index, { quarantined: true, lost: true });
  failed(draft, { ...why, code: 'ResetFailed' });
}

function onIncarnationChanged(
  draft: Draft,
  event: Extract<DeviceEvent, { kind: 'incarnationChanged' }>,
): void {
  const { device: index, state, incarnation } = event;
  const { id } = draft.bound(index);
  if (!draft.isAnother(index, incarnation)) {
    if (draft.idle(index)) draft.found(index, state);
    return;
  }
  if (draft.idle(index)) draft.setDevice(index, { state, savingGeneration: 0 });
  const why = fail('DeviceStateLost', `${id} was reset or re-opened`, id);
  draft.lose(index, why);
  failed(draft, why);
}
