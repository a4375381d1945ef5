import type { Failure } from '@transship/node-agent/contract';
import type { Action } from './action.ts';
import type { Answering, Attached } from './decide.ts';
import { asReason, failure } from './failure.ts';
import type { SessionView } from './observed.ts';

/** Before the decision: forward step by step, or give up in the order the rules demand. */
export function undecided(o: Attached): Action {
  const why = reasonToGiveUp(o);
  if (why !== null) return giveUp(o, why);
  const { s, t } = o;
  if (s === null) return { kind: 'wait', on: 'the agent of the source node' };
  if (t === null) return { kind: 'wait', on: 'the agent of the target node' };
  return forward({ ...o, s, t });
}

function forward(o: Answering): Action {
  const { s, t, record } = o;
  if (s.phase === 'Fenced' && t.phase === 'Fenced' && o.placement.kind === 'unknown')
    return { kind: 'place' };
  if (s.phase === 'Fenced') return prepareSource(o);
  if (t.phase === 'Fenced') return prepareTarget(o, Math.max(s.generation, 1));
  if (targetFailed(t) && t.generation >= s.generation) return nextGeneration(o);
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

/** The target has failed in this generation and waits for another. */
const targetFailed = (t: SessionView): boolean =>
  t.settled && t.error !== null && ['Preparing', 'Loading', 'Verifying'].includes(t.phase);

/** The source is stopped, its streams are not through, and it waits for an order. */
const sourceFailed = (s: SessionView): boolean => s.phase === 'Stopping' && s.settled;

const targetReady = (t: SessionView): boolean => t.phase === 'Loading';

function reasonToGiveUp(o: Attached): Failure | null {
  if (o.record.deletionRequested) return failure('Cancelled', 'the DeviceMigration was deleted');
  if (o.placement.kind === 'refused') return o.placement.failure;
  return (
    sourceGivesUp(o) ??
    targetGivesUp(o) ??
    exhausted(o) ??
    firstRefusal(o) ??
    o.expired ??
    (goesBack(o.s) ? failure('Cancelled', 'the source has rolled back') : null)
  );
}

const goesBack = (s: SessionView | null): boolean => s?.phase === 'RollingBack' || s?.phase === 'RolledBack';

/** The agent turned round by itself (an error before anything was stopped, no operator), or a device is lost. */
function sourceGivesUp({ s, t }: Attached): Failure | null {
  if (s === null) return null;
  // One that was told to says nothing; why it was told is still to be seen elsewhere. A stuck device is waited for.
  if (goesBack(s)) return s.error?.code === 'DeviceStuck' ? null : s.error;
  // What a stopped source held was taken by the target before it promised: only another generation needs it again.
  if (s.phase === 'Stopped' && (t === null || !targetFailed(t))) return null;
  const lost = s.devices.find((device) => device.lost);
  return lost === undefined
    ? null
    : (s.error ?? failure('DeviceStateLost', `${lost.id} lost its state`, lost.id));
}

function targetGivesUp({ t }: Attached): Failure | null {
  const withheld = t?.devices.find((device) => device.quarantined);
  if (withheld !== undefined) {
    return t?.error ?? failure('ResetFailed', `${withheld.id} is in quarantine`, withheld.id);
  }
  if (t === null || (t.phase !== 'Discarding' && t.phase !== 'Discarded')) return null;
  return t.error ?? failure('Internal', 'the target has given the set up');
}

/** This generation has failed and there may be no other. */
function exhausted({ s, t, plan }: Attached): Failure | null {
  if (Math.max(s?.generation ?? 0, t?.generation ?? 0) <= plan.retries) return null;
  if (t !== null && targetFailed(t) && t.generation >= (s?.generation ?? 0)) return t.error;
  if (s !== null && sourceFailed(s))
    return s.error ?? failure('ArcFailed', 'the source could not be stopped');
  return null;
}

/**
 * A refusal to begin (device busy, not Running ...) will not go away by asking again. That of an agent whose workload has
 * not answered may: it is asked again until `expired` says that this has lasted too long.
 */
function firstRefusal({ source, target }: Attached): Failure | null {
  for (const side of [source, target]) {
    if (side.kind !== 'session' || side.session.phase !== 'Fenced' || side.refusal === null) continue;
    if (side.refusal.code !== 'WorkloadUnreachable') return side.refusal;
  }
  return null;
}

/**
 * Once `stopping` is recorded, a roll-back is recorded as Abort before it is acted on. Before, no record is
 * needed, and the source goes back first, for its users may wait. Then the reason is written down, before the
 * target is let go and forgets it.
 */
function giveUp(o: Attached, why: Failure): Action {
  const { s, t, record } = o;
  const abort: Action = { kind: 'recordDecision', from: 'Undecided', to: 'Abort', reason: asReason(why) };
  if (record.stopping) return abort;
  // Nobody was ordered to touch a device yet, so nobody has to answer.
  if (!record.placed) {
    return { kind: 'finish', phase: why.code === 'Cancelled' ? 'Aborted' : 'Rejected', failure: why };
  }
  if (s === null) return { kind: 'wait', on: 'the agent of the source node' };
  if (s.phase === 'Fenced' && t?.phase === 'Fenced' && why.code !== 'Cancelled') {
    return { kind: 'finish', phase: 'Rejected', failure: why };
  }
  if (goesBack(s)) return abort;
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
  const generation = Math.max(t.generation, 1);
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

/** The target lost what it had loaded: new saving sessions at the source first, then a new load. */
function nextGeneration(o: Answering): Action {
  const next = Math.max(o.s.generation, o.t.generation) + 1;
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

function quiesce({ plan }: Answering): Action {
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
    if (t.devices.some((device) => device.lost)) {
      const why = t.error ?? failure('DeviceStateLost', 'a target device lost what it had loaded');
      return { kind: 'recordDecision', from: 'Undecided', to: 'Abort', reason: asReason(why) };
    }
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
