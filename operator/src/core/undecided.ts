import type { Failure } from '@transship/node-agent/contract';
import type { Action } from './action.ts';
import type { Answering, Attached } from './decide.ts';
import { asReason, failure } from './failure.ts';
import { firstGeneration, otherTarget } from './fallback.ts';
import type { SessionView } from './observed.ts';
import { goesBack, reasonToGiveUp, sourceFailed, targetFailed } from './reasons.ts';

/** Before the decision: forward step by step, or give up in the order the rules demand. */
export function undecided(o: Attached): Action {
  const reason = reasonToGiveUp(o);
  if (reason !== null) return otherTarget(o, reason) ?? giveUp(o, reason.why);
  const { s, t } = o;
  if (s === null) return { kind: 'wait', on: 'the agent of the source node' };
  if (t === null) return { kind: 'wait', on: 'the agent of the target node' };
  return forward({ ...o, s, t });
}

function forward(o: Answering): Action {
  const { s, t, record } = o;
  // Preflight touches nothing, so it comes first at every target, whatever the source is at.
  if (t.phase === 'Fenced' && o.placement.kind === 'unknown') return { kind: 'place' };
  if (s.phase === 'Fenced') return prepareSource(o);
  const first = firstGeneration(record);
  if (Math.max(s.generation, t.generation) < first) return nextGeneration(o, first);
  if (t.phase === 'Fenced') return prepareTarget(o, Math.max(s.generation, first));
  if (targetFailed(t) && t.generation >= s.generation)
    return nextGeneration(o, Math.max(s.generation, t.generation) + 1);
  if (sourceFailed(s)) return stop(s.generation + 1);
  if (t.generation < s.generation) return prepareTarget(o, s.generation);
  switch (s.phase) {
    case 'Prepared':
      if (!targetReady(t)) return { kind: 'wait', on: 'the target to enter Resuming' };
      // A set goes through its steps together: where one device cannot be copied while it runs, none is.
      return o.plan.preCopy && s.devices.every(canPreCopy)
        ? { kind: 'commandSource', command: { kind: 'preCopy', generation: t.generation } }
        : quiesce(o);
    case 'PreCopy':
      if (!targetReady(t)) return { kind: 'wait', on: 'the target to enter Resuming' };
      return o.preCopyDone ? quiesce(o) : { kind: 'wait', on: 'pre-copy to converge' };
    case 'Quiesced':
      return record.stopping ? stop(t.generation) : { kind: 'recordStopping' };
    case 'Stopped':
      return commitOrVerify(o);
    default:
      return { kind: 'wait', on: `the source, which is ${s.phase}` };
  }
}

/** An agent that names no protocol is of a version that does not tell this either: it takes the order or refuses it. */
const canPreCopy = ({ preCopy, protocol }: SessionView['devices'][number]): boolean =>
  preCopy || protocol === '';

const targetReady = (t: SessionView): boolean => t.phase === 'Loading';

/**
 * Once `stopping` is recorded, a roll-back is recorded as Abort before it is acted on. Before, no record is
 * needed, and the source goes back first, for its users may wait. Then the reason is written down, before the
 * target is let go and forgets it. A source that holds nothing yet keeps nobody waiting, and forgets what it
 * refused with the next order, so there the reason comes first; a deletion is not forgotten.
 */
function giveUp(o: Attached, why: Failure): Action {
  const { s, record } = o;
  const abort: Action = { kind: 'recordDecision', from: 'Undecided', to: 'Abort', reason: asReason(why) };
  if (record.stopping) return abort;
  // Nobody was ordered to touch a device yet, so nobody has to answer.
  if (!record.placed) {
    return { kind: 'finish', phase: why.code === 'Cancelled' ? 'Aborted' : 'Rejected', failure: why };
  }
  if (s === null) return { kind: 'wait', on: 'the agent of the source node' };
  if (goesBack(s) || (s.phase === 'Fenced' && why.code !== 'Cancelled')) return abort;
  return { kind: 'commandSource', command: { kind: 'rollBack', decision: 'Undecided' } };
}

function prepareSource({ placement, record, s, t }: Answering): Action {
  if (placement.kind !== 'placed') {
    // The target knows the set and the source does not: its journal is gone, or the record is not ours.
    return {
      kind: 'stall',
      failure: failure('RecordMissing', `the source's journal knows nothing of ${s.uid}`),
    };
  }
  if (!record.placed) return { kind: 'recordPlacement' };
  const generation = Math.max(t.generation, firstGeneration(record));
  return {
    kind: 'commandSource',
    command: { kind: 'prepare', generation, devices: placement.sourceDevices },
  };
}

function prepareTarget({ placement, plan, s }: Answering, generation: number): Action {
  if (placement.kind !== 'placed') return { kind: 'place' };
  const pull = {
    endpoint: placement.sourceEndpoint,
    node: plan.sourceNode,
    ticket: s.ticket,
    bandwidthLimit: plan.bandwidthLimit,
  };
  const { targetDevices: devices } = placement;
  return { kind: 'commandTarget', command: { kind: 'prepare', generation, devices, pull } };
}

/** The target lost what it had loaded, or is another: new saving sessions at the source first, then a new load. */
function nextGeneration(o: Answering, next: number): Action {
  switch (o.s.phase) {
    case 'Prepared':
      return prepareTarget(o, next);
    case 'PreCopy':
      return { kind: 'commandSource', command: { kind: 'preCopy', generation: next } };
    case 'Quiesced':
      return o.record.stopping ? stop(next) : { kind: 'recordStopping' };
    case 'Stopping':
    case 'Stopped':
      return stop(next);
    default:
      return { kind: 'wait', on: `the source, which is ${o.s.phase}` };
  }
}

function quiesce({ plan, quiescePauses }: Answering): Action {
  if (quiescePauses === true)
    return { kind: 'wait', on: 'the workload to work for a while before it is frozen again' };
  const { quiesceTimeoutMs: timeoutMs, waitOnDeadline: waitOnTimeout } = plan;
  return { kind: 'commandSource', command: { kind: 'quiesce', timeoutMs, waitOnTimeout } };
}

const stop = (generation: number): Action => ({
  kind: 'commandSource',
  command: { kind: 'stop', generation },
});

/** Both promises, of the same generation, are what Commit needs. */
function commitOrVerify({ s, t }: Answering): Action {
  if (t.phase === 'Verified' && t.generation === s.generation) {
    return {
      kind: 'recordDecision',
      from: 'Undecided',
      to: 'Commit',
      reason: `generation ${s.generation} verified`,
    };
  }
  if (t.phase === 'Loading' && t.error === null && t.streams.every((stream) => stream.ended)) {
    const expected = s.streams.map((stream) => stream.totals);
    return { kind: 'commandTarget', command: { kind: 'verify', generation: s.generation, expected } };
  }
  return { kind: 'wait', on: `the target, which is ${t.phase}` };
}
