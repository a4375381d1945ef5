import { rm } from 'node:fs/promises';

/** After the last test of this suite: ends the guests that setup booted. What they wrote stays when a test has failed. */
export default async function teardown(): Promise<void> {
  const guests = globalThis.transshipGuests;
  await guests?.[Symbol.asyncDispose]();
  if (guests !== undefined && globalThis.transshipKernelPassed === true)
    await rm(guests.workDir, { recursive: true });
}
