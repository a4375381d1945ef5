import { sleep } from '../clock.ts';
import type { Clock } from '../clock.ts';
import type { Log } from './ports.ts';

/** How often a running workload is told at most, and how long is waited in between, ms. */
const ATTEMPTS = 6;
const RETRY_MS = { first: 250, most: 4_000 };

export interface Notice {
  /** Tells it once; has its own deadline. */
  readonly tell: () => Promise<void>;
  readonly clock: Clock;
  readonly log: Log;
  /** What the log says of it. */
  readonly facts: object;
  readonly signal: AbortSignal;
}

/**
 * Tells a workload that runs that a device of it was reset. Nothing later would: it goes on with a device that has
 * lost what it held. So it is told again when it does not listen, a few times. Never rejects.
 */
export async function tellReset({ tell, clock, log, facts, signal }: Notice): Promise<void> {
  let delay = RETRY_MS.first;
  for (let attempt = 1; !signal.aborted; attempt += 1) {
    try {
      await tell();
      return;
    } catch (error) {
      const about = { ...facts, attempt, error: String(error) };
      if (attempt === ATTEMPTS) {
        log.error(
          about,
          'the workload could not be told that its device was reset, and uses it unaware of that',
        );
        return;
      }
      log.warn(about, 'the workload was not told yet that its device was reset');
    }
    await sleep(clock, delay * (0.5 + Math.random() / 2), signal);
    delay = Math.min(2 * delay, RETRY_MS.most);
  }
}
