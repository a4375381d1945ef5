import { describe, expect, test } from '@jest/globals';
import { Acknowledger } from '@transship/node-agent/internal/transfer/acknowledger';
import { SendWindow } from '@transship/node-agent/internal/transfer/send-window';
import { BlobSink } from '@transship/node-agent/internal/transfer/stream-sink';
import { TokenBucket } from '@transship/node-agent/internal/transfer/token-bucket';
import { crc32c } from '../support/crc32c.ts';
import { ManualClock } from '../support/manual-clock.ts';

const never = new AbortController().signal;

describe('the bandwidth limit', () => {
  test('lets a tenth of a second go at once and spreads the rest', async () => {
    const clock = new ManualClock();
    const bucket = new TokenBucket(1000, clock);
    await bucket.take(100, never);
    let isThrough = false;
    const second = bucket.take(500, never).then(() => {
      isThrough = true;
    });
    await clock.advance(499);
    expect(isThrough).toBe(false);
    await clock.advance(1);
    await second;
    expect(isThrough).toBe(true);
  });

  test('of zero is none', async () => {
    await new TokenBucket(0, new ManualClock()).take(1e12, never);
    expect(true).toBe(true);
  });

  test('is given up with its stream', async () => {
    const ended = new AbortController();
    const waiting = new TokenBucket(1, new ManualClock()).take(1000, ended.signal);
    ended.abort();
    await expect(waiting).resolves.toBeUndefined();
  });
});

describe('acknowledgements', () => {
  test('are sent together a moment later, or at once when much was written', async () => {
    const clock = new ManualClock();
    const sent: [number, number][] = [];
    const acks = new Acknowledger(clock, 10, (written, accepted) => sent.push([written, accepted]));
    acks.note(3, 0);
    acks.note(6, 4);
    expect(sent).toEqual([]);
    await clock.advance(2);
    expect(sent).toEqual([[6, 4]]);
    acks.note(16, 8);
    expect(sent.at(-1)).toEqual([16, 8]);
    await clock.advance(10);
    expect(sent).toHaveLength(2);
  });
});

describe('the window of the source', () => {
  const frame = (position: number, text: string) => {
    const data = Buffer.from(text);
    return { position, segment: 0, segmentSize: 12, offsetInSegment: position, data, crc32c: crc32c(data) };
  };

  test('counts what it holds and forgets whole frames', () => {
    const window = new SendWindow(8, crc32c);
    window.push(frame(0, 'abcd'));
    expect(window.hasRoom(4)).toBe(true);
    window.push(frame(4, 'efgh'));
    expect({ bytes: window.bytes, room: window.hasRoom(1) }).toEqual({ bytes: 8, room: false });
    window.forget(6);
    expect({ bytes: window.bytes, start: window.start, end: window.end }).toEqual({
      bytes: 4,
      start: 4,
      end: 8,
    });
    window.forget(8);
    expect({ bytes: window.bytes, start: window.start }).toEqual({ bytes: 0, start: 8 });
  });

  test('cuts a frame that is asked for from its middle, with a checksum of its own', () => {
    const window = new SendWindow(8, crc32c);
    window.push(frame(0, 'abcd'));
    expect(window.at(3)).toEqual({ ...frame(3, 'd') });
    expect(window.at(4)).toBeNull();
  });
});

describe('state that is collected as a whole', () => {
  test('is refused beyond its limit before it is buffered', async () => {
    const sink = new BlobSink(10, () => Promise.resolve(), 'WorkloadFailed');
    await sink.begin(6);
    await expect(sink.begin(5)).rejects.toMatchObject({ failure: { code: 'StreamTooLarge' } });
  });

  test('is applied once, however often the end is heard of', async () => {
    const applied: string[] = [];
    const apply = (blob: Buffer): Promise<void> => Promise.resolve(void applied.push(blob.toString()));
    const sink = new BlobSink(10, apply, 'WorkloadFailed');
    await sink.begin(4);
    await sink.write(Buffer.from('ab'));
    await sink.write(Buffer.from('cd'));
    await sink.finish();
    await sink.finish();
    expect(applied).toEqual(['abcd']);
  });
});
