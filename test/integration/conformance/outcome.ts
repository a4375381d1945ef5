import { setTimeout as delay } from 'node:timers/promises';
import { expect } from '@jest/globals';
import { NativeError } from '@transship/native';

/** `done`, or the stable code that the call was refused with. */
export async function outcome(call: Promise<unknown>): Promise<string> {
  try {
    await call;
    return 'done';
  } catch (error) {
    if (error instanceof NativeError) return error.code;
    throw error;
  }
}

/** Result of a call that a conforming device grants; a refusal fails the test as what it is, an unmet expectation. */
export async function granted<T>(call: Promise<T>): Promise<T> {
  try {
    return await call;
  } catch (error) {
    expect(error instanceof NativeError ? error.message : error).toBe('granted');
    throw error;
  }
}

/** What a refused call said; fails the test when it was granted. */
export async function refusal(call: Promise<unknown>): Promise<NativeError> {
  try {
    await call;
  } catch (error) {
    if (error instanceof NativeError) return error;
    throw error;
  }
  expect('granted').toBe('refused');
  throw new Error('unreachable');
}

/** Asks until `wanted` holds of the answer, for so long that it never will; the last answer, for the test to judge. */
export async function lastOf<T>(ask: () => Promise<T>, wanted: (answer: T) => boolean): Promise<T> {
  const end = Date.now() + 20_000;
  for (;;) {
    const answer = await ask();
    if (wanted(answer) || Date.now() > end) return answer;
    await delay(2);
  }
}
