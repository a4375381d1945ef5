/** The calls of a recovery by hand; commands have their own. */
import type { Failure } from '../core/session.ts';
import type { SessionSnapshot } from '../core/snapshot.ts';
import { AgentCallError, toCallError } from './call-error.ts';
import { deviceFromWire } from './description.ts';
import type { DeviceDescription } from './description.ts';
import type { DeviceAgentClient } from './generated/transship/agent/v1alpha1/DeviceAgent.ts';
import type { EndQuarantineResponse__Output } from './generated/transship/agent/v1alpha1/EndQuarantineResponse.ts';
import type { ListSessionsResponse__Output } from './generated/transship/agent/v1alpha1/ListSessionsResponse.ts';
import { failureFromWire, snapshotFromWire } from './messages.ts';
import { unaryCall } from './unary-call.ts';

/** Outcome of an attempt to bring a device out of quarantine. */
export interface EndQuarantineReply {
  /** Why the device stays as it was; null: it is Running, free, and durably so. */
  readonly refusal: Failure | null;
  /** As it is now; null when the node has no such device. */
  readonly device: DeviceDescription | null;
}

const LIST_DEADLINE_MS = 10_000;
/** The agent answers within 60 s, whatever the device does. */
const END_QUARANTINE_DEADLINE_MS = 75_000;
/** Of at most 100 sessions each; an agent keeps some thousand ended ones at most. */
const MAX_PAGES = 1_000;

/** Every session of the node, in the order of their UIDs. @throws AgentCallError */
export async function listSessions(
  stub: DeviceAgentClient,
  endpoint: string,
  onlyBound: boolean,
  signal: AbortSignal,
): Promise<SessionSnapshot[]> {
  const sessions: SessionSnapshot[] = [];
  try {
    let after = '';
    for (let page = 0; page < MAX_PAGES; page += 1) {
      const request = { onlyBound, after };
      const send = unaryCall<ListSessionsResponse__Output>((options, done) =>
        stub.listSessions(request, options, done),
      );
      const reply = await send(LIST_DEADLINE_MS, signal);
      sessions.push(...reply.sessions.map(snapshotFromWire));
      if (reply.next === '') return sessions;
      after = reply.next;
    }
  } catch (error) {
    signal.throwIfAborted();
    throw toCallError(endpoint, 'ListSessions', error);
  }
  throw new AgentCallError('Internal', 'OK', `ListSessions at ${endpoint}: the pages do not end`, null);
}

/** `uid`: the migration for which the device is held, or empty for whichever it is. @throws AgentCallError */
export async function endQuarantine(
  stub: DeviceAgentClient,
  endpoint: string,
  deviceId: string,
  uid: string,
  signal: AbortSignal,
): Promise<EndQuarantineReply> {
  try {
    const request = { deviceId, migrationUid: uid };
    const send = unaryCall<EndQuarantineResponse__Output>((options, done) =>
      stub.endQuarantine(request, options, done),
    );
    const { refusal, device } = await send(END_QUARANTINE_DEADLINE_MS, signal);
    return {
      refusal: refusal === null ? null : failureFromWire(refusal),
      device: device === null ? null : deviceFromWire(device),
    };
  } catch (error) {
    signal.throwIfAborted();
    throw toCallError(endpoint, 'EndQuarantine', error);
  }
}
