/** Between the plain types of transfer/ and the messages of the proto file. */
import { streamKinds } from '../contract/enums.ts';
import type { PullOpen, PullOpen__Output } from '../contract/generated/transship/agent/v1alpha1/PullOpen.ts';
import type {
  PullResponse,
  PullResponse__Output,
} from '../contract/generated/transship/agent/v1alpha1/PullResponse.ts';
import { totalsFromWire, totalsToWire } from '../contract/messages.ts';
import { UnreadableMessage } from '../contract/unreadable-message.ts';
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

/** @throws UnreadableMessage */
export function requestFromWire(message: PullOpen__Output): PullRequest {
  const { migrationUid, fence, ticket, stream, deviceIndex, generation, next } = message;
  const id = { kind: streamKinds.fromWire(stream), deviceIndex };
  return { uid: migrationUid, fence, ticket: ticket.toString('utf8'), stream: id, generation, next };
}

export function itemToWire(item: PullItem): PullResponse {
  return item.kind === 'frame' ? { frame: item.frame } : { end: totalsToWire(item.totals) };
}

/** @throws UnreadableMessage also for an empty message: of a kind of item of a newer contract nothing else is left. */
export function itemFromWire(message: PullResponse__Output): PullItem {
  if (message.frame) return { kind: 'frame', frame: message.frame };
  if (message.end) return { kind: 'end', totals: totalsFromWire(message.end) };
  throw new UnreadableMessage('an item that is neither a frame nor the end');
}
