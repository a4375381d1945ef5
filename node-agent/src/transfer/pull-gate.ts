import { createHash, timingSafeEqual } from 'node:crypto';
import { failure } from '../contract/failure.ts';
import type { Phase } from '../core/phase.ts';
import type { Failure, Session } from '../core/session.ts';
import { streamKey, streamsOfSet } from '../core/stream.ts';
import type { PullRequest } from './frame.ts';

/** Phases of a source that has something to give, or will have. On the way back and in the end it has not. */
const SERVING: ReadonlySet<Phase> = new Set<Phase>([
  'Prepared',
  'PreCopying',
  'PreCopy',
  'Quiescing',
  'Quiesced',
  'Unquiescing',
  'Stopping',
  'Stopped',
]);

/** May this pull be served? `lastFence`: of the last pull of the migration that was accepted. */
export function refusePull(session: Session | null, request: PullRequest, lastFence: number): Failure | null {
  if (session === null || session.role !== 'source' || !sameText(session.ticket, request.ticket)) {
    return failure('TicketInvalid', `the ticket is not that of migration ${request.uid} on this node`);
  }
  if (request.fence < lastFence) {
    return failure(
      'StaleFence',
      `a pull with fence ${lastFence} was accepted before this one with ${request.fence}`,
    );
  }
  if (!SERVING.has(session.phase)) {
    return failure('IllegalPhase', `a source that is ${session.phase} serves no streams`);
  }
  if (request.generation < session.generation) {
    return failure(
      'IllegalPhase',
      `generation ${request.generation} is over, ${session.generation} has begun`,
    );
  }
  const known = streamsOfSet(session.devices.length).some(
    (id) => streamKey(id) === streamKey(request.stream),
  );
  return known ? null : failure('IllegalPhase', `the set has no stream ${streamKey(request.stream)}`);
}

/** In constant time, whatever the lengths; an empty text equals nothing. */
function sameText(wanted: string, given: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(wanted), digest(given)) && wanted !== '';
}
