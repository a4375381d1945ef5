import { Metadata, status } from '@grpc/grpc-js';
import type { StatusObject } from '@grpc/grpc-js';
import type { ErrorCode } from '@transship/crds';
import { CODE_METADATA_KEY } from '../contract/call-error.ts';
import type { Failure } from '../core/session.ts';
import { messageOf } from '../session/effects.ts';

const BY_NAME: Readonly<Record<string, status>> = {
  MalformedRequest: status.INVALID_ARGUMENT,
  NotAuthorized: status.PERMISSION_DENIED,
  SessionUnavailable: status.UNAVAILABLE,
};

/** The gRPC status of an error that a handler threw. Names, since classes do not survive realms. */
export function statusOf(error: unknown): StatusObject {
  const { name = '' } = error as Partial<Error>;
  const metadata = new Metadata();
  if (name === 'MalformedRequest') metadata.set(CODE_METADATA_KEY, 'MessageUnreadable' satisfies ErrorCode);
  return { code: BY_NAME[name] ?? status.INTERNAL, details: messageOf(error), metadata };
}

/** The status of a pull that is ended with a code; the puller need not come again. */
export function statusOfFailure(why: Failure): StatusObject {
  const metadata = new Metadata();
  metadata.set(CODE_METADATA_KEY, why.code);
  const code = why.code === 'TicketInvalid' ? status.PERMISSION_DENIED : status.FAILED_PRECONDITION;
  return { code, details: why.message, metadata };
}

/** The status of a pull that is ended without a code: the puller should come again. */
export const comeAgain = (details: string): StatusObject => ({
  code: status.ABORTED,
  details,
  metadata: new Metadata(),
});
