import { describe, expect, test } from '@jest/globals';
import { BOUNDS, formatDuration, parseBytes, parseDuration, QuantityError } from '@transship/crds';

describe('parseDuration', () => {
  test.each([
    ['500ms', 500],
    ['2s', 2_000],
    ['1m30s', 90_000],
    ['1h', 3_600_000],
    ['1h1m1s1ms', 3_661_001],
    ['0s', 0],
    ['30s1m', 90_000],
    ['99999h', 359_996_400_000],
  ])('reads %s as %d ms', (text, milliseconds) => {
    expect(parseDuration(text)).toBe(milliseconds);
  });

  test.each([
    '',
    '5',
    's',
    '1.5s',
    '-1s',
    '+1s',
    ' 1s',
    '1s ',
    '1S',
    '1d',
    '1us',
    '100000h',
    '1s1s1s1s1s',
    '1e3s',
    '１s',
  ])('refuses %j', (text) => {
    expect(() => parseDuration(text)).toThrow(QuantityError);
    expect(() => parseDuration(text)).toThrow(/such as 500ms or 1m30s/);
  });
});

describe('parseBytes', () => {
  test.each([
    ['1', 1],
    ['1250M', 1_250_000_000],
    ['256Mi', 268_435_456],
    ['64k', 64_000],
    ['64Ki', 65_536],
    ['3G', 3e9],
    ['3Gi', 3_221_225_472],
    ['10T', 1e13],
    ['8Ti', 8_796_093_022_208],
  ])('reads %s as %d bytes', (text, bytes) => {
    expect(parseBytes(text)).toBe(bytes);
  });

  test.each([
    '',
    '0',
    '00',
    '01',
    '-1',
    '1.5G',
    '1e9',
    '1 M',
    '1MB',
    '1m',
    '1K',
    '1P',
    '0x10',
    'NaN',
    '1000000000000000',
  ])('refuses %j', (text) => {
    expect(() => parseBytes(text)).toThrow(QuantityError);
    expect(() => parseBytes(text)).toThrow(/such as 1250M or 256Mi/);
  });

  test('refuses what JavaScript cannot count exactly instead of rounding it', () => {
    expect(parseBytes('8191Ti')).toBe(8191 * 2 ** 40);
    expect(() => parseBytes('8192Ti')).toThrow(/counted exactly/);
    expect(() => parseBytes('999999999999999T')).toThrow(/counted exactly/);
  });
});

describe('bounds', () => {
  test.each([
    ['downtimeLimit', '1ms', '1h', '0s', '1h1ms'],
    ['quiesceTimeout', '10ms', '10m', '9ms', '10m1ms'],
    ['preCopyTimeout', '10ms', '24h', '9ms', '24h1ms'],
    ['bandwidthLimit', '64Ki', '10T', '65535', '11T'],
  ] as const)('of %s include %s and %s, exclude %s and %s', (field, min, max, below, above) => {
    const parse = (text: string): number =>
      field === 'bandwidthLimit' ? parseBytes(text, BOUNDS[field]) : parseDuration(text, BOUNDS[field]);
    expect(parse(min)).toBeGreaterThan(0);
    expect(parse(max)).toBeGreaterThan(parse(min));
    expect(() => parse(below)).toThrow(
      `"${below}" is out of bounds; it must be at least ${min} and at most ${max}`,
    );
    expect(() => parse(above)).toThrow(/out of bounds/);
  });

  test('a refusal shows the beginning of hostile text only, and has the stable code', () => {
    const refusal = (): unknown => {
      try {
        return parseDuration('9'.repeat(1_000_000));
      } catch (error) {
        return error;
      }
    };
    expect(refusal()).toMatchObject({
      code: 'InvalidQuantity',
      message: expect.stringMatching(/^.{1,200}$/),
    });
  });
});

describe('formatDuration', () => {
  test.each([
    [41, '41ms'],
    [41.4, '41ms'],
    [0.2, '0s'],
    [0, '0s'],
    [-5, '0s'],
    [Number.NaN, '0s'],
    [1_500, '1s500ms'],
    [90_000, '1m30s'],
    [3_600_000, '1h'],
    [999.6, '1s'],
    [Number.POSITIVE_INFINITY, '99999h'],
  ])('writes %d ms as %s', (milliseconds, text) => {
    expect(formatDuration(milliseconds)).toBe(text);
  });

  test('writes what parseDuration reads', () => {
    for (let milliseconds = 1; milliseconds < 1e10; milliseconds = milliseconds * 3 + 1) {
      expect(parseDuration(formatDuration(milliseconds))).toBe(milliseconds);
    }
  });
});
