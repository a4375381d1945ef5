import type { ErrorCode } from '@transship/crds';
import type { Failure } from '../core/session.ts';

/** A failure whose code is checked to be one of crds/src/errors.ts. */
export function failure(code: ErrorCode, message: string, device: string | null = null): Failure {
  return { code, message, device };
}
