import { bindDevices, cannotBind, freshLive, leavesOut, noStreams } from './bind.ts';
import type { Decision, TargetCommand } from './command.ts';
import { type Draft, fail } from './draft.ts';
import type { Observation } from './effects.ts';
import type { Phase } from './phase.ts';
import type { Failure } from './session.ts';
import { totalsDiffer } from './stream.ts';

const BEFORE_PROMISE: ReadonlySet<Phase> = new Set<Phase>(['Preparing', 'Loading', 'Verifying']);

/** The target has promised nothing yet: its devices may be reset without any record. */
export const beforePromise = (phase: Phase): boolean => BEFORE_PROMISE.has(phase);

/** Obeys a command or says why not. Only the goal changes here; target-advance.ts walks to it. */
export function commandTarget(draft: Draft, command: TargetCommand, observed: Observation): Failure | null {
  switch (command.kind) {
    case 'attach':
      return null;
    case 'prepare':
      return prepare(draft, command, observed);
    case 'verify':
      return verify(draft, command);
    case 'activate':
      return activate(draft, command.decision, observed);
    case 'discard':
      return discard(draft, command.decision);
  }
}

const outOfOrder = (draft: Draft, command: string): Failure =>
  fail('IllegalPhase', `${command} is not possible for a target that is ${draft.phase}`);

function prepare(
  draft: Draft,
  command: Extract<TargetCommand, { kind: 'prepare' }>,
  observed: Observation,
): Failure | null {
  const { phase, s } = draft;
  const withheld = s.devices.find((device) => device.quarantined);
  if (withheld !== undefined) return fail('ResetFailed', `${withheld.id} is in quarantine`, withheld.id);
  if (beforePromise(phase)) {
    if (command.generation < s.generation)
      return outOfOrder(draft, `prepare of generation ${command.generation}`);
    if (command.generation === s.generation && !draft.l.halted) return null;
  } else if (phase === 'Fenced') {
    // One workload takes one set in: what is left of it could be taken for another's.
    const cannot = cannotBind(command.devices, observed) ?? leavesOut(command.devices, observed);
    if (cannot !== null) return cannot;
    // RESET is the first thing that happens here: whoever is at work on these devices would lose everything.
    if (observed.workload === 'running')
      return fail('DeviceBusy', 'a workload runs on the target devices; free them first');
    if (observed.workload === 'unknown')
      return (
        observed.workloadTrouble ??
        fail('FreezeFailed', 'the target workload does not answer, so it may be at work on the devices')
      );
    const devices = bindDevices(command.devices, observed);
    draft.setSession({ devices });
    draft.setLive(freshLive(devices, observed));
  } else {
    return outOfOrder(draft, 'prepare');
  }
  startOver(draft);
  draft.setSession({ generation: command.generation, pull: command.pull });
  draft.enter('Preparing');
  return null;
}

/** Nothing of an earlier load may be left: every device is to be RESET before it is used. */
function startOver(draft: Draft): void {
  if (draft.l.streaming !== 0) draft.effects.push({ kind: 'endLoading' });
  draft.setLive({ streaming: 0, streams: noStreams(draft.s.devices.length) });
  for (const index of draft.indexes) draft.setDevice(index, { cleared: false });
}

function verify(draft: Draft, command: Extract<TargetCommand, { kind: 'verify' }>): Failure | null {
  const { phase, s, l } = draft;
  if (command.generation !== s.generation)
    return outOfOrder(draft, `verify of generation ${command.generation}`);
  if ((phase === 'Verifying' && !l.halted) || phase === 'Verified') return null;
  if (phase !== 'Loading' || l.halted) return outOfOrder(draft, 'verify');
  if (!l.streams.every((stream) => stream.ended))
    return fail('IllegalPhase', 'not every stream has arrived yet');
  const difference = totalsDiffer(
    command.expected,
    l.streams.map((stream) => stream.totals),
  );
  if (difference !== null) {
    draft.halt(fail('StreamCorrupt', difference));
    return fail('StreamCorrupt', difference);
  }
  draft.effects.push({ kind: 'endLoading' });
  draft.setLive({ streaming: 0 });
  draft.enter('Verifying');
  return null;
}

function activate(draft: Draft, decision: Decision, observed: Observation): Failure | null {
  if (decision !== 'Commit') return fail('IllegalPhase', 'a target is activated only on a recorded Commit');
  const { phase } = draft;
  if (phase !== 'Verified' && phase !== 'Activating' && phase !== 'Starting')
    return outOfOrder(draft, 'activate');
  for (const index of draft.indexes) {
    const { id, lost } = draft.bound(index);
    const { state } = draft.device(index);
    if (phase === 'Verified' && state !== 'Stop' && state !== 'Unknown') {
      // A Running that the journal does not explain is a device that was reset, never a success.
      draft.lose(index, fail('DeviceStateLost', `${id} was verified at Stop and is ${state} now`, id));
    }
    if (lost || draft.bound(index).lost)
      return fail('DeviceStateLost', `${id} lost the state it was given`, id);
  }
  // Activating rules Revert out, so it is not entered while a device may turn out to have been reset.
  const silent = draft.indexes.find((index) => draft.device(index).state === 'Unknown');
  if (phase === 'Verified' && silent !== undefined) {
    const { id } = draft.bound(silent);
    return fail('DeviceStuck', `${id} does not answer, so nobody knows whether it still is at Stop`, id);
  }
  if (phase === 'Verified') {
    const cannot = cannotBeThawed(draft, observed);
    if (cannot !== null) return cannot;
    draft.enter('Activating');
  }
  draft.setLive({ halted: false });
  return null;
}

/** What was loaded lives in the workload's process, which may have ended or begun anew since it was verified. */
function cannotBeThawed(draft: Draft, { workload }: Observation): Failure | null {
  if (workload === 'unknown')
    return fail('ThawFailed', 'the workload does not answer, so nobody knows whether it is still there');
  draft.setLive({ workload });
  if (workload === 'frozen') return null;
  const gone = fail('WorkloadFailed', `the workload was verified frozen and is ${workload} now`);
  for (const index of draft.indexes) draft.lose(index, gone);
  return gone;
}

function discard(draft: Draft, decision: Decision): Failure | null {
  const { phase } = draft;
  if (phase === 'Discarding') {
    draft.setLive({ halted: false });
    return null;
  }
  if (phase === 'Fenced') {
    draft.enter('Discarded');
    return null;
  }
  if (phase === 'Verified' && decision === 'Undecided') {
    return fail('IllegalPhase', 'a verified target changes only on a recorded decision');
  }
  if (phase !== 'Verified' && !beforePromise(phase) && !isTakenBack(draft, decision))
    return outOfOrder(draft, 'discard');
  startDiscard(draft);
  return null;
}

/**
 * A set that was ordered to run is taken back by Revert alone, and only when it is not whole: a device has lost its state,
 * or none answers. No operator records Revert then, only a person who lets the source run again.
 */
function isTakenBack(draft: Draft, decision: Decision): boolean {
  if (decision !== 'Revert' || (draft.phase !== 'Activating' && draft.phase !== 'Starting')) return false;
  const lost = draft.indexes.some((index) => draft.bound(index).lost);
  return lost || draft.indexes.every((index) => draft.device(index).state === 'Unknown');
}

/** Gives the target set up for good; journalled before the first RESET, so no activation can follow. */
export function startDiscard(draft: Draft): void {
  startOver(draft);
  // A thaw may be obeyed long after it was given up: the source runs next, so this copy is stopped like one that runs,
  // whatever it says.
  if (draft.phase === 'Starting' && draft.l.workload !== 'discarded') draft.setLive({ workload: 'running' });
  draft.enter('Discarding');
}
