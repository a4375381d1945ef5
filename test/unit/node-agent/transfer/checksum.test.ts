import { describe, expect, test } from '@jest/globals';
import { StreamChecksum, combineCrc32c } from '@transship/node-agent/internal/transfer/checksum';
import { crc32c } from '../support/crc32c.ts';

const bytes = (length: number, from: number): Buffer =>
  Buffer.from(Array.from({ length }, (_, index) => (index * 31 + from) % 256));

describe('CRC32C', () => {
  test('of the check string is the one of the standard', () => {
    expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283);
  });

  test.each([0, 1, 2, 3, 7, 8, 9, 63, 64, 1000])(
    'is combined from two parts, the second of %i bytes',
    (length) => {
      const [a, b] = [bytes(100, 1), bytes(length, 2)];
      expect(combineCrc32c(crc32c(a), crc32c(b), length)).toBe(crc32c(Buffer.concat([a, b])));
    },
  );

  test('is combined over lengths beyond 32 bits', () => {
    // A segment of zero bytes after zero bytes: x^(8n) applied twice is x^(8(n+n)).
    const half = combineCrc32c(1, 0, 3 * 2 ** 30);
    expect(combineCrc32c(half, 0, 3 * 2 ** 30)).toBe(combineCrc32c(1, 0, 6 * 2 ** 30));
  });

  test('of a stream is chained over the lengths and bytes of its segments', () => {
    const segments = [bytes(5, 1), bytes(12, 9), bytes(1, 4)];
    const checksum = new StreamChecksum(crc32c);
    let expected = 0;
    for (const segment of segments) {
      const length = Buffer.alloc(8);
      length.writeBigUInt64LE(BigInt(segment.length));
      expected = crc32c(segment, crc32c(length, expected));
      checksum.beginSegment(segment.length);
      for (let at = 0; at < segment.length; at += 4) {
        const piece = segment.subarray(at, at + 4);
        checksum.add(crc32c(piece), piece.length);
      }
    }
    expect(checksum.value).toBe(expected);
  });
});
