import { status } from '@grpc/grpc-js';
import type { ServiceError } from '@grpc/grpc-js';
import { isErrorCode } from '@transship/crds';
import type { ErrorCode } from '@transship/crds';
import { UnreadableMessage } from './unreadable-message.ts';

/** Metadata key in which an agent names the stable code of a call it would not take. */
export const CODE_METADATA_KEY = 'transship-code';

/** A call to an agent had no answer, or one that this version cannot read. A refused command is no such error. */
export class AgentCallError extends Error {
  override readonly name = 'AgentCallError';
  readonly code: ErrorCode;
  /** Name of the gRPC status, such as `UNAVAILABLE`. */
  readonly status: string;

  constructor(code: ErrorCode, statusName: string, message: string, cause: unknown) {
    super(message, { cause });
    this.code = code;
    this.status = statusName;
  }
}

/** Nothing came back: the call may or may not have been acted on, which idempotent commands make harmless. */
const UNREACHABLE: ReadonlySet<status> = new Set([
  status.UNAVAILABLE,
  status.UNAUTHENTICATED,
  status.PERMISSION_DENIED,
  status.CANCELLED,
  status.RESOURCE_EXHAUSTED,
]);

/** Meaning of a gRPC status without a code of ours for the caller; a malformed answer is a mistake of ours: `Internal`. */
export function codeOfStatus(code: status): ErrorCode {
  if (UNREACHABLE.has(code)) return 'AgentUnreachable';
  // An rpc that came with a later version.
  if (code === status.UNIMPLEMENTED) return 'VersionSkew';
  return code === status.DEADLINE_EXCEEDED ? 'DeadlineExceeded' : 'Internal';
}

export function toCallError(endpoint: string, method: string, error: unknown): AgentCallError {
  if (error instanceof UnreadableMessage) {
    return new AgentCallError('MessageUnreadable', 'OK', `${method} at ${endpoint}: ${error.message}`, error);
  }
  const { code, details, metadata } = error as Partial<ServiceError>;
  if (code === undefined) {
    return new AgentCallError('Internal', 'UNKNOWN', `${method} at ${endpoint}: ${String(error)}`, error);
  }
  const message = `${method} at ${endpoint}: ${status[code]}: ${details ?? ''}`;
  const named = metadata?.get(CODE_METADATA_KEY)[0]?.toString() ?? '';
  return new AgentCallError(isErrorCode(named) ? named : codeOfStatus(code), status[code], message, error);
}
