import { setTimeout as sleep } from 'node:timers/promises';

import type { Child } from './child-process.ts';

/** Between two probes. Start-up takes seconds, so a tenth of one is neither late nor busy. */
const POLL_MS = 100;

/**
 * Probes until `probe` answers true. A probe that throws has not answered yet.
 * @throws when `child` ends first, with the end of its log, or when `deadlineMs` passes, with the last probe's error.
 */
export async function waitUntilReady(
  child: Child,
  deadlineMs: number,
  probe: () => Promise<boolean>,
): Promise<void> {
  const deadline = performance.now() + deadlineMs;
  let lastError: unknown;
  while (performance.now() < deadline) {
    if (!child.running) throw new Error(await child.obituary());
    try {
      if (await probe()) return;
    } catch (error) {
      lastError = error;
    }
    await sleep(POLL_MS);
  }
  throw new Error(`${child.name} was not ready after ${deadlineMs} ms; its log is ${child.logFile}`, {
    cause: lastError,
  });
}
