import type { NativeErrorCode } from '@transship/native';

/** What a call answered that must be refused: the error, or `granted`, so that an expectation can show it. */
export async function refused(call: Promise<unknown>): Promise<unknown> {
  return call.then(
    () => 'granted',
    (error: unknown) => error,
  );
}

/** A refusal with this code, to be matched. */
export const withCode = (code: NativeErrorCode): { readonly code: NativeErrorCode } => ({ code });
