import { setTimeout as sleep } from 'node:timers/promises';

/** @throws when the check is not true in time; the time is there to end a test that fails, not to measure anything. */
export async function expectEventually(
  check: () => boolean | Promise<boolean>,
  deadlineMs = 60_000,
): Promise<void> {
  const deadline = performance.now() + deadlineMs;
  while (!(await check())) {
    if (performance.now() > deadline)
      throw new Error(`not true within ${deadlineMs} ms: ${check.toString()}`);
    await sleep(5);
  }
}
