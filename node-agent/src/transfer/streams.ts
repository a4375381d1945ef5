import type { Clock } from '../clock.ts';
import type { PullSource } from '../core/command.ts';
import { streamKey } from '../core/stream.ts';
import type { Log, Streams } from '../session/ports.ts';
import type { Crc32c, PullRequest, TransferOptions } from './frame.ts';
import type { PullConnector } from './incoming-stream.ts';
import { LoadingSession } from './loading-session.ts';
import type { PullDesk } from './pull-desk.ts';
import { SavingSession } from './saving-session.ts';
import { DEFAULT_FINAL_PASS } from './workload-source.ts';
import type { FinalPassLimits } from './workload-source.ts';

export interface StreamsParts {
  readonly desk: PullDesk;
  readonly connect: (source: PullSource) => PullConnector;
  readonly clock: Clock;
  readonly crc32c: Crc32c;
  readonly log: Log;
  /** @default DEFAULT_FINAL_PASS */
  readonly finalPass?: FinalPassLimits;
}

/** Moves the streams of sessions: serves those of a source at the desk, pulls those of a target. */
export function createStreams(parts: StreamsParts, options: TransferOptions): Streams {
  const { desk, connect, clock, crc32c, log, finalPass = DEFAULT_FINAL_PASS } = parts;
  const onRetry = (request: PullRequest, error: unknown, delayMs: number): void => {
    const facts = { uid: request.uid, stream: streamKey(request.stream), next: request.next, delayMs };
    log.warn({ ...facts, error: (error as Error).message }, 'a pull broke and is made again');
  };
  return {
    save: (order, listener) => {
      const saving: SavingSession = new SavingSession(
        order,
        listener,
        { ...options, clock, crc32c, log, finalPass },
        () => desk.end(saving),
      );
      desk.begin(saving);
      return saving;
    },
    load: (order, listener) =>
      new LoadingSession(order, listener, connect(order.pull), { ...options, clock, crc32c, onRetry }),
    review: (uid) => desk.review(uid),
  };
}
