import { describe, expect, test } from '@jest/globals';
import type { PullRequest } from '@transship/node-agent/internal/transfer/frame';
import { IncomingStream } from '@transship/node-agent/internal/transfer/incoming-stream';
import { Outage } from '@transship/node-agent/internal/transfer/outage';
import { StreamCheck } from '@transship/node-agent/internal/transfer/stream-check';
import { BlobSink } from '@transship/node-agent/internal/transfer/stream-sink';
import { TokenBucket } from '@transship/node-agent/internal/transfer/token-bucket';
import { crc32c } from '../support/crc32c.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { TINY } from '../support/passage.ts';

const stream = { kind: 'workload', deviceIndex: 0 } as const;
const request: PullRequest = { uid: 'uid-1', fence: 1, ticket: 't', stream, generation: 1, next: 0 };

test('a source that cannot be reached is given up after half a minute, so that the set need not stand still', async () => {
  const clock = new ManualClock();
  let attempts = 0;
  const connector = {
    open: () => ({
      acknowledge: () => undefined,
      done: () => undefined,
      [Symbol.asyncIterator]: () => {
        attempts += 1;
        return { next: () => Promise.reject(new Error('connection refused')) };
      },
    }),
  };
  const sink = new BlobSink(1024, () => Promise.resolve(), 'WorkloadFailed');
  const bucket = new TokenBucket(0, clock);
  const incoming = new IncomingStream(
    () => request,
    { connector, check: new StreamCheck(stream, crc32c), sink, bucket },
    { ...TINY, clock, onRetry: () => undefined },
    () => undefined,
  );
  let failure: unknown = null;
  const ended = incoming.run(new AbortController().signal).catch((error: unknown) => {
    failure = error;
  });
  await clock.advance(29_000);
  expect(failure).toBeNull();
  await clock.advance(4_000);
  expect(failure).toMatchObject({ failure: { code: 'AgentUnreachable' } });
  await ended;
  expect(attempts).toBeLessThan(60);
});

describe('an outage', () => {
  test('counts from the first attempt that came to nothing', () => {
    const outage = new Outage();
    expect(outage.broke(1_000, 2_000, false)).toBe(1_000);
    expect(outage.broke(5_000, 9_000, false)).toBe(8_000);
  });

  test('ends with bytes, and with a connection that stood for long before it broke', () => {
    const outage = new Outage();
    outage.broke(0, 20_000, false);
    expect(outage.broke(21_000, 22_000, true)).toBe(0);
    expect(outage.broke(22_500, 23_000, false)).toBe(1_000);
    expect(outage.broke(24_000, 600_000, false)).toBe(0);
  });
});
