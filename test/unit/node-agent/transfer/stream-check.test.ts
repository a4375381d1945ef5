import { describe, expect, test } from '@jest/globals';
import type { Frame } from '@transship/node-agent/internal/transfer/frame';
import { StreamCheck } from '@transship/node-agent/internal/transfer/stream-check';
import { crc32c } from '../support/crc32c.ts';

const id = { kind: 'device', deviceIndex: 0 } as const;

/** A check that has taken the first half of a segment of eight bytes. */
function inTheMiddle(): { check: StreamCheck; next: Frame } {
  const check = new StreamCheck(id, crc32c);
  const frame = (position: number, text: string): Frame => {
    const data = Buffer.from(text);
    return { position, segment: 0, segmentSize: 8, offsetInSegment: position, data, crc32c: crc32c(data) };
  };
  expect(check.frame(frame(0, 'abcd'))).toEqual({ begins: true, completes: false });
  return { check, next: frame(4, 'efgh') };
}

describe('what arrives', () => {
  test('is accepted at the end of its segment', () => {
    const { check, next } = inTheMiddle();
    expect([check.position, check.accepted]).toEqual([4, 0]);
    expect(check.frame(next)).toEqual({ begins: false, completes: true });
    expect([check.position, check.accepted]).toEqual([8, 8]);
    expect(check.end(check.totals)).toBeNull();
  });

  test.each<[string, string, Partial<Frame>]>([
    ['from a later position', 'StreamOutOfOrder', { position: 5 }],
    ['from an earlier position', 'StreamOutOfOrder', { position: 3 }],
    ['from another place in its segment', 'StreamOutOfOrder', { offsetInSegment: 5 }],
    ['of another segment', 'StreamOutOfOrder', { segment: 1 }],
    ['of a segment that has grown', 'StreamCorrupt', { segmentSize: 9 }],
    ['of a segment without a size', 'StreamCorrupt', { segmentSize: Number.NaN }],
    ['with a wrong checksum', 'StreamCorrupt', { crc32c: 0 }],
    ['with nothing in it', 'StreamCorrupt', { data: Buffer.alloc(0), crc32c: 0 }],
    [
      'beyond its segment',
      'StreamCorrupt',
      { data: Buffer.from('efghi'), crc32c: crc32c(Buffer.from('efghi')) },
    ],
    ['larger than a frame may be', 'StreamTooLarge', { data: Buffer.alloc(1024 * 1024 + 1) }],
  ])('%s is %s, and the check stays where it was', (_name, code, change) => {
    const { check, next } = inTheMiddle();
    expect(check.frame({ ...next, ...change })).toMatchObject({ code });
    expect(check.position).toBe(4);
    expect(check.frame(next)).toEqual({ begins: false, completes: true });
  });
});

describe('an end', () => {
  test('in the middle of a segment is no end, whatever totals come with it', () => {
    const { check } = inTheMiddle();
    expect(check.end(check.totals)).toMatchObject({ code: 'StreamTruncated' });
  });

  test.each([
    ['with more bytes', 'StreamTruncated', { bytes: 9 }],
    ['with more segments', 'StreamTruncated', { segments: 2 }],
    ['with fewer bytes', 'StreamOutOfOrder', { bytes: 7 }],
    ['with fewer segments', 'StreamOutOfOrder', { segments: 0 }],
    ['with another checksum', 'StreamCorrupt', { crc32c: 1 }],
    ['of another stream', 'StreamOutOfOrder', { deviceIndex: 1 }],
  ])('%s is %s', (_name, code, change) => {
    const { check, next } = inTheMiddle();
    check.frame(next);
    expect(check.end({ ...check.totals, ...change })).toMatchObject({ code });
  });
});
