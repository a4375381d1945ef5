import type { Crc32c } from './frame.ts';

/** The Castagnoli polynomial, reflected: the coefficient of x^0 is the highest bit. */
const POLYNOMIAL = 0x82f63b78;
const ONE = 0x80000000;

/** Product of two polynomials modulo the Castagnoli polynomial. */
function multiply(a: number, b: number): number {
  let product = 0;
  let power = b;
  for (let bit = ONE; bit !== 0; bit >>>= 1) {
    if ((a & bit) !== 0) product ^= power;
    power = (power & 1) === 0 ? power >>> 1 : (power >>> 1) ^ POLYNOMIAL;
  }
  return product >>> 0;
}

/** x^(8 * bytes) modulo the polynomial, by squaring. */
function shiftBy(bytes: number): number {
  let result = ONE;
  let square = multiply(0x40000000, 0x40000000);
  square = multiply(square, square);
  square = multiply(square, square);
  for (let rest = bytes; rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) result = multiply(result, square);
    square = multiply(square, square);
  }
  return result;
}

/** Frames of one stream have few different lengths. */
const shifts = new Map<number, number>();
const MAX_CACHED_SHIFTS = 256;

function cachedShift(bytes: number): number {
  const known = shifts.get(bytes);
  if (known !== undefined) return known;
  const shift = shiftBy(bytes);
  if (shifts.size >= MAX_CACHED_SHIFTS) shifts.clear();
  shifts.set(bytes, shift);
  return shift;
}

/** CRC32C of a followed by b, from the CRC32C of each and the length of b: no byte is looked at twice. */
export function combineCrc32c(a: number, b: number, lengthOfB: number): number {
  return (multiply(cachedShift(lengthOfB), a) ^ b) >>> 0;
}

/** CRC32C over each segment's length (u64, little-endian) and bytes, chained over the stream (core/stream.ts). */
export class StreamChecksum {
  readonly #crc32c: Crc32c;
  #value = 0;

  constructor(crc32c: Crc32c) {
    this.#crc32c = crc32c;
  }

  get value(): number {
    return this.#value;
  }

  beginSegment(size: number): void {
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(size));
    this.#value = this.#crc32c(length, this.#value);
  }

  /** The next piece, by its own CRC32C. */
  add(crc32c: number, length: number): void {
    this.#value = combineCrc32c(this.#value, crc32c, length);
  }
}
