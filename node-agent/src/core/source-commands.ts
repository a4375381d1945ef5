import { bindDevices, cannotBind, freshLive, leavesOut, noStreams } from './bind.ts';
import type { Decision, SourceCommand } from './command.ts';
import { type Draft, fail } from './draft.ts';
import type { Observation } from './effects.ts';
import { stopJournalled, type Phase } from './phase.ts';
import type { Failure } from './session.ts';

const BEFORE_STOP: ReadonlySet<Phase> = new Set<Phase>([
  'Prepared',
  'PreCopying',
  'PreCopy',
  'Quiescing',
  'Quiesced',
  'Unquiescing',
]);

/** Nothing of this session has been stopped: the set may return to Running without any record. */
export const beforeStop = (phase: Phase): boolean => BEFORE_STOP.has(phase);

/** Obeys a command or says why not. Only the goal changes here; source-advance.ts walks to it. */
export function commandSource(draft: Draft, command: SourceCommand, observed: Observation): Failure | null {
  switch (command.kind) {
    case 'attach':
      return null;
    case 'prepare':
      return prepare(draft, command.generation, command.devices, observed);
    case 'preCopy':
      return preCopy(draft, command.generation);
    case 'quiesce':
      return quiesce(draft, command.timeoutMs, command.waitOnTimeout);
    case 'stop':
      return stop(draft, command.generation);
    case 'rollBack':
      return rollBack(draft, command.decision);
    case 'commit':
      return commit(draft, command.decision);
    case 'release':
      return release(draft, command.decision);
  }
}

const outOfOrder = (draft: Draft, command: string): Failure =>
  fail('IllegalPhase', `${command} is not possible for a source that is ${draft.phase}`);

function prepare(
  draft: Draft,
  generation: number,
  ids: readonly string[],
  observed: Observation,
): Failure | null {
  if (draft.phase === 'Prepared') return null;
  if (draft.phase !== 'Fenced') return outOfOrder(draft, 'prepare');
  const cannot = cannotBind(ids, observed) ?? leavesOut(ids, observed);
  if (cannot !== null) return cannot;
  if (observed.workload === 'unknown')
    return (
      observed.workloadTrouble ??
      fail('FreezeFailed', 'the workload does not answer, so it could be neither frozen nor thawed')
    );
  // One that stands still is nobody's to thaw: it may be the copy that an earlier migration loaded here and gave up.
  if (observed.workload === 'frozen')
    return fail('WorkloadFailed', 'the workload is frozen already; thaw or end it first');
  const devices = bindDevices(ids, observed);
  const { ticket } = draft.s;
  draft.setSession({ devices, generation, ticket: ticket === '' ? observed.ticket : ticket });
  draft.setLive(freshLive(devices, observed));
  draft.enter('Prepared');
  return null;
}

function preCopy(draft: Draft, generation: number): Failure | null {
  const { phase, s } = draft;
  if ((phase === 'PreCopying' || phase === 'PreCopy') && generation === s.generation) return null;
  const first = phase === 'Prepared' && generation >= s.generation;
  const again = phase === 'PreCopy' && generation > s.generation;
  if (!first && !again) return outOfOrder(draft, `preCopy of generation ${generation}`);
  const without = s.devices.find((device) => !device.preCopy);
  if (without !== undefined)
    return fail('IllegalPhase', `${without.id} cannot be copied while it runs`, without.id);
  newGeneration(draft, generation);
  draft.enter('PreCopying');
  return null;
}

function quiesce(draft: Draft, timeoutMs: number, waitOnTimeout: boolean): Failure | null {
  if (draft.phase === 'Quiescing' || draft.phase === 'Quiesced') return null;
  if (draft.phase !== 'Prepared' && draft.phase !== 'PreCopy') return outOfOrder(draft, 'quiesce');
  draft.setLive({ waitOnTimeout });
  draft.effects.push({ kind: 'armQuiesceDeadline', ms: timeoutMs });
  draft.enter('Quiescing');
  return null;
}

function stop(draft: Draft, generation: number): Failure | null {
  const { phase, s } = draft;
  if (s.decisionSeen !== 'Undecided' && phase === 'Stopped')
    return fail('RecordRegressed', `${s.decisionSeen} was seen, after which no generation is begun`);
  if (s.devices.some((device) => device.lost))
    return fail('DeviceStateLost', 'a device of the set lost its state');
  if (phase === 'Stopping' && generation === draft.l.lostGeneration) {
    const why = `the streams of generation ${generation} were lost in a restart of the agent; order the next one`;
    return fail('IllegalPhase', why);
  }
  if (stopJournalled(phase) && generation === s.generation) {
    // The same order again: go on where an error stopped it.
    if (phase === 'Stopping' && !draft.l.halted) return null;
    if (phase === 'Stopped') return null;
  } else if (
    phase === 'Quiesced' ? generation < s.generation : !(stopJournalled(phase) && generation > s.generation)
  ) {
    return outOfOrder(draft, `stop of generation ${generation}`);
  }
  if (generation !== s.generation) newGeneration(draft, generation);
  draft.enter('Stopping');
  return null;
}

function newGeneration(draft: Draft, generation: number): void {
  if (draft.l.streaming !== 0) draft.effects.push({ kind: 'endSaving' });
  draft.setSession({ generation, promised: [] });
  const streams = noStreams(draft.s.devices.length);
  draft.setLive({ streaming: 0, draining: false, streams, lostGeneration: 0 });
}

function rollBack(draft: Draft, decision: Decision): Failure | null {
  const { phase } = draft;
  const recorded = decision === 'Abort' || decision === 'Revert';
  if (phase === 'RollingBack' || phase === 'Restarting') return goOn(draft);
  if (phase === 'Fenced') {
    draft.enter('RolledBack');
    return null;
  }
  if (stopJournalled(phase) && !recorded) {
    return fail('IllegalPhase', 'a stopped source runs again only on a recorded Abort or Revert');
  }
  if (!stopJournalled(phase) && !beforeStop(phase)) return outOfOrder(draft, 'rollBack');
  startRollBack(draft);
  return null;
}

/** The same order again: lifts what an error stopped. */
function goOn(draft: Draft): null {
  draft.setLive({ halted: false });
  return null;
}

/** Refuses this migration for good and turns round; journalled before the first arc. */
export function startRollBack(draft: Draft): void {
  draft.setSession({ cameFromStop: stopJournalled(draft.phase) });
  draft.effects.push({ kind: 'disarmQuiesceDeadline' });
  draft.enter('RollingBack');
}

/** That it was seen is all that this changes: from here on only Revert leads back (step.ts). */
function commit(draft: Draft, decision: Decision): Failure | null {
  if (draft.phase === 'Releasing') return null;
  if (draft.phase !== 'Stopped') return outOfOrder(draft, 'commit');
  if (decision !== 'Commit')
    return fail('IllegalPhase', 'commit says that Commit is recorded, and nothing else');
  return null;
}

function release(draft: Draft, decision: Decision): Failure | null {
  if (draft.phase === 'Releasing') return goOn(draft);
  if (draft.phase !== 'Stopped') return outOfOrder(draft, 'release');
  if (decision !== 'Commit')
    return fail('IllegalPhase', 'a stopped source is released only on a recorded Commit');
  draft.enter('Releasing');
  return null;
}
