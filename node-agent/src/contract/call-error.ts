import { status } from '@grpc/grpc-js';
import type { ServiceError } from '@grpc/grpc-js';
import type { ErrorCode } from '@transship/crds';
import { UnknownEnumValue } from './enums.ts';

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

/** Meaning of a gRPC status for the caller; a malformed call or answer is a mistake of ours: `Internal`. */
export function codeOfStatus(code: status): ErrorCode {
  if (UNREACHABLE.has(code)) return 'AgentUnreachable';
  return code === status.DEADLINE_EXCEEDED ? 'DeadlineExceeded' : 'Internal';
}

export function toCallError(endpoint: string, method: string, error: unknown): AgentCallError {
  if (error instanceof UnknownEnumValue) {
    return new AgentCallError('Internal', 'OK', `${method} at ${endpoint}: ${error.message}`, error);
  }
  const { code, details } = error as Partial<ServiceError>;
  if (code === undefined) {
    return new AgentCallError('Internal', 'UNKNOWN', `${method} at ${endpoint}: ${String(error)}`, error);
  }
  const message = `${method} at ${endpoint}: ${status[code]}: ${details ?? ''}`;
  return new AgentCallError(codeOfStatus(code), status[code], message, error);
}
