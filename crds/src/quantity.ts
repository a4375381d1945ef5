/**
 * Durations and byte quantities as people write them in a manifest, turned into numbers and back.
 * Durations follow the Gateway API convention (GEP-2257), a subset of Go's that every client can parse.
 * Byte quantities are the whole-number subset of Kubernetes quantities.
 */

export const DURATION_PATTERN = /^([0-9]{1,5}(h|m|s|ms)){1,4}$/;
export const BYTES_PATTERN = /^[1-9][0-9]{0,14}(k|M|G|T|Ki|Mi|Gi|Ti)?$/;

export const DURATION_EXPECTED =
  'not a duration; write whole numbers with ms, s, m or h, such as 500ms or 1m30s';
export const BYTES_EXPECTED =
  'not a byte quantity; write a whole number above zero with k, M, G, T, Ki, Mi, Gi or Ti, such as 1250M or 256Mi';

const DURATION_PART = /([0-9]{1,5})(ms|h|m|s)/g;
const MILLISECONDS = { h: 3_600_000, m: 60_000, s: 1_000, ms: 1 } as const;
const MULTIPLIERS: Readonly<Record<string, number>> = {
  '': 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
};

/** Inclusive bounds, written as a manifest would write them. */
export interface Bounds {
  readonly min: string;
  readonly max: string;
}

/**
 * What each field may hold. A value outside can only be a slip (a missing unit, a factor of a thousand), and acting on
 * it would freeze a workload for hours or never finish.
 */
export const BOUNDS = {
  downtimeLimit: { min: '1ms', max: '1h' },
  quiesceTimeout: { min: '10ms', max: '10m' },
  preCopyTimeout: { min: '10ms', max: '24h' },
  bandwidthLimit: { min: '64Ki', max: '10T' },
} as const satisfies Record<string, Bounds>;

/** A duration or quantity that cannot be used; the message says what is expected. */
export class QuantityError extends Error {
  readonly code = 'InvalidQuantity';

  constructor(message: string) {
    super(message);
    this.name = 'QuantityError';
  }
}

/**
 * Milliseconds of a duration such as `500ms`, `2s` or `1m30s`.
 * @throws QuantityError when the text is no duration or lies outside `bounds`
 */
export function parseDuration(text: string, bounds?: Bounds): number {
  if (!DURATION_PATTERN.test(text)) throw new QuantityError(`${quote(text)}: ${DURATION_EXPECTED}`);
  let total = 0;
  for (const [, digits, unit] of text.matchAll(DURATION_PART)) {
    total += Number(digits) * MILLISECONDS[unit as keyof typeof MILLISECONDS];
  }
  return within(text, total, bounds, parseDuration);
}

/**
 * Bytes of a quantity such as `1250M` (decimal) or `256Mi` (binary); a bare number is bytes.
 * @throws QuantityError when the text is no quantity, exceeds 2^53 - 1, or lies outside `bounds`
 */
export function parseBytes(text: string, bounds?: Bounds): number {
  if (!BYTES_PATTERN.test(text)) throw new QuantityError(`${quote(text)}: ${BYTES_EXPECTED}`);
  const digits = /^[0-9]+/.exec(text)?.[0] ?? '';
  const bytes = Number(digits) * (MULTIPLIERS[text.slice(digits.length)] ?? Number.NaN);
  if (!Number.isSafeInteger(bytes))
    throw new QuantityError(`${quote(text)} is more bytes than can be counted exactly`);
  return within(text, bytes, bounds, parseBytes);
}

/**
 * Writes milliseconds the way `parseDuration` reads them, rounded to whole milliseconds: `41ms`, `1s500ms`, `1m30s`.
 * Negative input and NaN are written `0s`; the value is capped at 99999h.
 */
export function formatDuration(milliseconds: number): string {
  if (!(milliseconds > 0)) return '0s';
  let rest = Math.min(Math.round(milliseconds), 99_999 * MILLISECONDS.h);
  let text = '';
  for (const unit of ['h', 'm', 's', 'ms'] as const) {
    const count = Math.floor(rest / MILLISECONDS[unit]);
    rest -= count * MILLISECONDS[unit];
    if (count > 0) text += `${count}${unit}`;
  }
  return text === '' ? '0s' : text;
}

function within(
  text: string,
  value: number,
  bounds: Bounds | undefined,
  parse: (text: string) => number,
): number {
  if (bounds !== undefined && (value < parse(bounds.min) || value > parse(bounds.max))) {
    throw new QuantityError(
      `${quote(text)} is out of bounds; it must be at least ${bounds.min} and at most ${bounds.max}`,
    );
  }
  return value;
}

/** Hostile text is shown, but not all of it. */
function quote(text: string): string {
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}...` : text);
}
