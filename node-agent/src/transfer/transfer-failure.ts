import { failure } from '../contract/failure.ts';
import type { Failure } from '../core/session.ts';
import { DeviceFailure } from '../device/port.ts';

/** A stream cannot go on, and why; trying again does not help. */
export class TransferFailure extends Error {
  override readonly name = 'TransferFailure';
  readonly failure: Failure;

  constructor(why: Failure) {
    super(why.message);
    this.failure = why;
  }
}

/** What to report for an error that ended a stream. */
export function toFailure(error: unknown): Failure {
  if (error instanceof TransferFailure || error instanceof DeviceFailure) return error.failure;
  return failure('Internal', (error as { message?: string }).message ?? String(error));
}
