import { status } from '@grpc/grpc-js';
import type { ServiceError } from '@grpc/grpc-js';

/** A workload's hook refused a call, did not answer it, or answered what this version cannot read. */
export class WorkloadHookError extends Error {
  override readonly name = 'WorkloadHookError';
  /** Name of the gRPC status, such as `UNAVAILABLE`; `OK` when the answer itself is wrong. */
  readonly status: string;

  constructor(statusName: string, message: string, cause: unknown) {
    super(message, { cause });
    this.status = statusName;
  }
}

/** What a person looks at first. The hook's own words, where it has any, say more and come behind. */
const HINTS: Partial<Record<status, string>> = {
  [status.UNAVAILABLE]: 'nobody serves this socket; is the workload running, and is its hook configured?',
  [status.UNIMPLEMENTED]:
    'what serves this socket has no such method of transship.workload.v1alpha1.WorkloadHook',
  [status.DEADLINE_EXCEEDED]: 'no answer in time',
  [status.RESOURCE_EXHAUSTED]: 'more than 1 MiB at once',
  [status.FAILED_PRECONDITION]: 'refused',
};

export function toHookError(socketPath: string, method: string, error: unknown): WorkloadHookError {
  if (error instanceof WorkloadHookError) return error;
  const { code, details, message } = error as Partial<ServiceError>;
  const at = `${method} of the workload hook at ${socketPath}`;
  if (code === undefined || status[code] === undefined) {
    return new WorkloadHookError('UNKNOWN', `${at}: ${message ?? String(error)}`, error);
  }
  const words = [status[code], HINTS[code], details].filter((word) => word !== undefined && word !== '');
  return new WorkloadHookError(status[code], `${at}: ${words.join(': ')}`, error);
}

/** The answer came and makes no sense. */
export function malformed(socketPath: string, method: string, why: string): WorkloadHookError {
  return new WorkloadHookError('OK', `${method} of the workload hook at ${socketPath}: ${why}`, null);
}
