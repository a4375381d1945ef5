/** Between the plain types of the core and the messages of the proto file; both directions of each stand together. */
import type { Failure } from '../core/session.ts';
import type { StreamId, StreamProgress, StreamTotals } from '../core/stream.ts';
import { decisions, deviceStates, phases, roles, streamKinds } from './enums.ts';
import type {
  Failure as WireFailure,
  Failure__Output,
} from './generated/transship/agent/v1alpha1/Failure.ts';
import type {
  SessionSnapshot as WireSnapshot,
  SessionSnapshot__Output,
} from './generated/transship/agent/v1alpha1/SessionSnapshot.ts';
import type {
  StreamProgress as WireProgress,
  StreamProgress__Output,
} from './generated/transship/agent/v1alpha1/StreamProgress.ts';
import type {
  StreamTotals as WireTotals,
  StreamTotals__Output,
} from './generated/transship/agent/v1alpha1/StreamTotals.ts';
import type { SessionSnapshot } from '../core/snapshot.ts';
import { UnreadableMessage } from './unreadable-message.ts';

export function failureToWire(failure: Failure): WireFailure {
  return { code: failure.code, message: failure.message, device: failure.device ?? '' };
}

export function failureFromWire(message: Failure__Output): Failure {
  return {
    code: message.code,
    message: message.message,
    device: message.device === '' ? null : message.device,
  };
}

export function streamIdToWire(id: StreamId): { kind: WireTotals['kind'] & string; deviceIndex: number } {
  return { kind: streamKinds.toWire(id.kind), deviceIndex: id.deviceIndex };
}

export function totalsToWire(totals: StreamTotals): WireTotals {
  return {
    ...streamIdToWire(totals),
    bytes: totals.bytes,
    segments: totals.segments,
    crc32c: totals.crc32c,
  };
}

/** @throws UnreadableMessage */
export function totalsFromWire(message: StreamTotals__Output): StreamTotals {
  const { deviceIndex, bytes, segments, crc32c } = message;
  return { kind: streamKinds.fromWire(message.kind), deviceIndex, bytes, segments, crc32c };
}

function progressToWire(progress: StreamProgress): WireProgress {
  return {
    totals: totalsToWire(progress.totals),
    ended: progress.ended,
    pendingBytes: progress.pendingBytes,
    initialPending: progress.initialPending,
    stopCopyBytes: progress.stopCopyBytes,
  };
}

/** A stream of which nothing is told would be missing among those that have to end. @throws UnreadableMessage */
function progressFromWire(message: StreamProgress__Output): StreamProgress {
  if (message.totals === null)
    throw new UnreadableMessage('the progress of a stream comes without its totals');
  const { ended, pendingBytes, initialPending, stopCopyBytes } = message;
  const totals = totalsFromWire(message.totals);
  return { totals, ended, pendingBytes, initialPending, stopCopyBytes };
}

export function snapshotToWire(snapshot: SessionSnapshot): WireSnapshot {
  const { uid, role, phase, error, devices, streams, ticket, decision, ...plain } = snapshot;
  return {
    ...plain,
    migrationUid: uid,
    role: roles.toWire(role),
    phase: phases.toWire(phase),
    error: error === null ? null : failureToWire(error),
    devices: devices.map((device) => ({ ...device, state: deviceStates.toWire(device.state) })),
    streams: streams.map(progressToWire),
    ticket: Buffer.from(ticket, 'utf8'),
    decision: decisions.toWire(decision),
  };
}

/** @throws UnreadableMessage */
export function snapshotFromWire(message: SessionSnapshot__Output): SessionSnapshot {
  const { migrationUid, role, phase, error, devices, streams, ticket, decision, ...plain } = message;
  return {
    ...plain,
    uid: migrationUid,
    role: roles.fromWire(role),
    phase: phases.fromWire(phase),
    error: error === null ? null : failureFromWire(error),
    devices: devices.map((device) => ({ ...device, state: deviceStates.fromWire(device.state) })),
    streams: streams.map(progressFromWire),
    ticket: ticket.toString('utf8'),
    decision: decisions.fromWire(decision),
  };
}
