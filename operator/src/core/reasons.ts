import type { Failure, Role } from '@transship/node-agent/contract';
import type { Attached } from './decide.ts';
import { firstGeneration } from './fallback.ts';
import { failure } from './failure.ts';
import type { SessionView } from './observed.ts';

/** The target has failed in this generation and waits for another. */
export const targetFailed = (t: SessionView): boolean =>
  t.settled && t.error !== null && ['Preparing', 'Loading', 'Verifying'].includes(t.phase);

/** The source is stopped, its streams are not through, and it waits for an order. */
export const sourceFailed = (s: SessionView): boolean => s.phase === 'Stopping' && s.settled;

/** Why this attempt ends, and the side that could not do its part; null: it is not known to be one side's affair. */
export interface Reason {
  readonly why: Failure;
  readonly of: Role | null;
}

const reason = (of: Role | null, why: Failure | null): Reason | null => (why === null ? null : { why, of });

/** The first of what speaks against going on with this source and this target. */
export function reasonToGiveUp(o: Attached): Reason | null {
  if (o.record.deletionRequested)
    return reason(null, failure('Cancelled', 'the DeviceMigration was deleted'));
  const { placement, expired } = o;
  if (placement.kind === 'refused') return reason(placement.of ?? null, placement.failure);
  return (
    reason('source', sourceGivesUp(o)) ??
    reason('target', targetGivesUp(o)) ??
    exhausted(o) ??
    firstRefusal(o) ??
    reason(expired?.of ?? null, expired) ??
    reason('target', targetIsDown(o)) ??
    reason('source', goesBack(o.s) ? failure('Cancelled', 'the source has rolled back') : null)
  );
}

export const goesBack = (s: SessionView | null): boolean =>
  s?.phase === 'RollingBack' || s?.phase === 'RolledBack';

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
  if (t?.phase === 'Verified' && t.devices.some((device) => device.lost))
    return t.error ?? failure('DeviceStateLost', 'a target device lost what it had loaded');
  if (t === null || (t.phase !== 'Discarding' && t.phase !== 'Discarded')) return null;
  return t.error ?? failure('Internal', 'the target has given the set up');
}

/** Somebody has marked its node as shut down: where another takes its place, there is nothing to wait for. */
const targetIsDown = ({ t, targetFenced, nextTarget = null }: Attached): Failure | null =>
  t === null && targetFenced === true && nextTarget !== null
    ? failure('AgentUnreachable', 'the node of the target is out of service')
    : null;

/** This generation has failed and there may be no other. */
function exhausted({ s, t, plan, record }: Attached): Reason | null {
  const generation = Math.max(s?.generation ?? 0, t?.generation ?? 0);
  if (generation - firstGeneration(record) < plan.retries) return null;
  // The source first: what it breaks off fails at every target, however whole that is.
  if (s !== null && sourceFailed(s))
    return reason('source', s.error ?? failure('ArcFailed', 'the source could not be stopped'));
  if (t !== null && targetFailed(t) && t.generation >= (s?.generation ?? 0)) return reason('target', t.error);
  return null;
}

/**
 * A refusal to begin (device busy, not Running ...) will not go away by asking again. That of an agent whose workload has
 * not answered may: it is asked again until `expired` says that this has lasted too long.
 */
function firstRefusal({ source, target }: Attached): Reason | null {
  for (const [of, side] of [
    ['source', source],
    ['target', target],
  ] as const) {
    if (side.kind !== 'session' || side.session.phase !== 'Fenced' || side.refusal === null) continue;
    if (side.refusal.code !== 'WorkloadUnreachable') return reason(of, side.refusal);
  }
  return null;
}
