import { freshLive } from './bind.ts';
import type { Decision } from './command.ts';
import { Draft, fail } from './draft.ts';
import type { AgentEvent, StepResult } from './effects.ts';
import { admit } from './fence.ts';
import { onDeviceEvent } from './device-events.ts';
import { bindsDevices, isGoingHome, isTombstone } from './phase.ts';
import { onRestart } from './restart.ts';
import type { AgentState, Failure, Session } from './session.ts';
import { advanceSource, sourceFailed } from './source-advance.ts';
import { beforeStop, commandSource, startRollBack } from './source-commands.ts';
import { advanceTarget, targetFailed } from './target-advance.ts';
import { beforePromise, commandTarget, startDiscard } from './target-commands.ts';

/**
 * The agent's transition function: what a session becomes by an event, and what is to be done about it.
 * Pure; the same code runs in production and in the exhaustive model.
 */
export function step(state: AgentState | null, event: AgentEvent): StepResult {
  if (event.kind === 'command') return onCommand(state, event);
  // What happens to a device after its session ended is no longer this migration's affair.
  if (state === null || isTombstone(state.session.phase)) return { state, effects: [], refusal: null };
  const draft = new Draft(state);
  switch (event.kind) {
    case 'restarted':
      onRestart(draft, event.observed);
      break;
    case 'quiesceDeadline':
      onQuiesceDeadline(draft);
      break;
    case 'streams':
      if (event.generation === draft.l.streaming) draft.setLive({ streams: event.streams });
      break;
    case 'streamFailed':
      if (event.generation === draft.l.streaming) failed(draft, event.failure);
      break;
    case 'operatorLost':
      onOperatorLost(draft);
      break;
    default:
      onDeviceEvent(draft, event);
  }
  advance(draft);
  return draft.result();
}

function advance(draft: Draft): void {
  const once = draft.s.role === 'source' ? advanceSource : advanceTarget;
  while (once(draft));
}

function failed(draft: Draft, why: Failure): void {
  if (draft.s.role === 'source') sourceFailed(draft, why);
  else targetFailed(draft, why);
}

/** Orders that try something again; the way back and the way out keep the error that caused them. */
const BEGINS_ANEW: ReadonlySet<string> = new Set([
  'prepare',
  'preCopy',
  'quiesce',
  'stop',
  'verify',
  'activate',
]);

type CommandEvent = Extract<AgentEvent, { kind: 'command' }>;

function onCommand(state: AgentState | null, event: CommandEvent): StepResult {
  const admission = admit(state?.session ?? null, event.header, event.command.kind);
  if (admission.kind === 'refuse') return { state, effects: [], refusal: admission.failure };
  if (admission.kind === 'repeat') return { state, effects: [], refusal: null };
  const draft = new Draft(state ?? unknown(event));
  const { fence, sequence, operator } = event.header;
  draft.setSession({ fence, sequence, operator });
  if (draft.s.role !== event.role) {
    return draft.result(fail('IllegalPhase', `this node is the ${draft.s.role} of migration ${draft.s.uid}`));
  }
  // A tombstone only observes and repeats its answer, however late an old command arrives.
  if (isTombstone(draft.phase)) return draft.result();
  const decision = 'decision' in event.command ? event.command.decision : 'Undecided';
  if (regressed(draft.s.decisionSeen, decision) && 'decision' in event.command) {
    return draft.result(fail('RecordRegressed', `${draft.s.decisionSeen} was seen before ${decision}`));
  }
  const before = draft.s.error;
  if (BEGINS_ANEW.has(event.command.kind)) draft.setSession({ error: null });
  const loss = draft.observe(event.observed);
  if (loss !== null) failed(draft, loss);
  const refusal = obey(draft, event);
  if (refusal !== null && draft.s.error === null) draft.setSession({ error: before });
  if (refusal === null && decision !== 'Undecided') draft.setSession({ decisionSeen: decision });
  if (refusal === null || loss !== null) advance(draft);
  return draft.result(refusal);
}

function obey(draft: Draft, event: CommandEvent): Failure | null {
  // The contract's adapter parses a command for its role, so the kinds of the other role cannot arrive here.
  if (event.role === 'source') {
    return commandSource(draft, event.command as Parameters<typeof commandSource>[1], event.observed);
  }
  return commandTarget(draft, event.command as Parameters<typeof commandTarget>[1], event.observed);
}

/** A record behind what the journal saw has been restored from a backup, or is another object. */
function regressed(seen: Decision, now: Decision): boolean {
  if (seen === 'Undecided' || seen === now) return false;
  return !(seen === 'Commit' && now === 'Revert');
}

function unknown(event: CommandEvent): AgentState {
  const { uid, fence, sequence, operator } = event.header;
  const session: Session = {
    uid,
    role: event.role,
    fence,
    sequence,
    operator,
    phase: 'Fenced',
    generation: 0,
    devices: [],
    ticket: event.observed.ticket,
    pull: null,
    cameFromStop: false,
    decisionSeen: 'Undecided',
    error: null,
    quiesceTimeouts: 0,
    promised: [],
  };
  return { session, live: freshLive([], event.observed) };
}

function onQuiesceDeadline(draft: Draft): void {
  if (draft.phase !== 'Quiescing') return;
  draft.note(
    fail('QuiesceTimeout', 'not every device stopped its DMA in time; the workload is thawed first'),
  );
  draft.setSession({ quiesceTimeouts: draft.s.quiesceTimeouts + 1 });
  if (draft.l.waitOnTimeout) draft.enter('Unquiescing');
  else startRollBack(draft);
}

/** Only before anything was promised may an agent turn round without a record. */
function onOperatorLost(draft: Draft): void {
  if (!bindsDevices(draft.phase)) return;
  // The way back is journalled: nobody has to say again that the workload is to be thawed.
  if (draft.s.role === 'source' && isGoingHome(draft.phase)) {
    draft.setLive({ halted: false });
    return;
  }
  const why = fail('OperatorLost', 'no operator has been heard of for longer than the agent waits');
  if (draft.s.role === 'source' && beforeStop(draft.phase)) {
    draft.note(why);
    startRollBack(draft);
  } else if (draft.s.role === 'target' && beforePromise(draft.phase)) {
    draft.note(why);
    startDiscard(draft);
  }
}
