import { setTimeout as delay } from 'node:timers/promises';
import type { ManagedProcess } from '../../support/managed-process.ts';

/** How a `kubectl drain` ended. */
export interface Drained {
  readonly code: number | null;
  readonly log: string;
  /** When it was last seen to run: never after its end, ms since the epoch. */
  readonly endedAfter: number;
}

const POLL_MS = 5;
const DEADLINE_MS = 400_000;

/** Waits for the end of a drain. @throws with what it has printed when it takes longer than anything may */
export async function drained(kubectl: ManagedProcess): Promise<Drained> {
  const until = Date.now() + DEADLINE_MS;
  let endedAfter = Date.now();
  for (;;) {
    const now = Date.now();
    if (!kubectl.running) break;
    endedAfter = now;
    if (now > until) throw new Error(`${kubectl.name} does not end:\n${await kubectl.log()}`);
    await delay(POLL_MS);
  }
  return { code: kubectl.exitCode, log: await kubectl.log(), endedAfter };
}
