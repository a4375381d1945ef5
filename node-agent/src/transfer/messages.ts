/** Between the plain types of transfer/ and the messages of the proto file. */
import { streamKinds } from '../contract/enums.ts';
import type { PullOpen, PullOpen__Output } from '../contract/generated/transship/agent/v1alpha1/PullOpen.ts';
import type {
  PullResponse,
  PullResponse__Output,
} from '../contract/generated/transship/agent/v1alpha1/PullResponse.ts';
import { totalsFromWire, totalsToWire } from '../contract/messages.ts';
import type { PullItem, PullRequest } from './frame.ts';

export function requestToWire(request: PullRequest): PullOpen {
  const { uid, fence, ticket, stream, generation, next } = request;
  return {
    migrationUid: uid,
    fence,
    ticket: Buffer.from(ticket, 'utf8'),
    stream: streamKinds.toWire(stream.kind),
    deviceIndex: stream.deviceIndex,
    generation,
    next,
  };
}

/** @throws UnknownEnumValue */
export function requestFromWire(message: PullOpen__Output): PullRequest {
  const { migrationUid, fence, ticket, stream, deviceIndex, generation, next } = message;
  const id = { kind: streamKinds.fromWire(stream), deviceIndex };
  return { uid: migrationUid, fence, ticket: ticket.toString('utf8'), stream: id, generation, next };
}

export function itemToWire(item: PullItem): PullResponse {
  return item.kind === 'frame' ? { frame: item.frame } : { end: totalsToWire(item.totals) };
}

/** null: a message of a newer contract, or an empty one. @throws UnknownEnumValue */
export function itemFromWire(message: PullResponse__Output): PullItem | null {
  if (message.frame) return { kind: 'frame', frame: message.frame };
  return message.end ? { kind: 'end', totals: totalsFromWire(message.end) } : null;
}
