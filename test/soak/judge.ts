/** Whether figures of a long run show a leak: pure functions over what was read. */

export interface Point {
  /** Milliseconds since the run began. */
  readonly at: number;
  readonly bytes: number;
}

export interface Growth {
  /** By how much the fitted line rises over the window, in percent of where it begins. */
  readonly percent: number;
  /** The same, bytes. */
  readonly risen: number;
  /** Of the fitted line, bytes per hour. */
  readonly bytesPerHour: number;
  /** Points that the line was fitted to. */
  readonly points: number;
}

/** A line through fewer says nothing. */
export const LEAST_POINTS = 10;
/** What the line may rise over the window, percent. */
export const MOST_PERCENT = 1;
const HOUR_MS = 3_600_000;

/**
 * Least squares over the last two thirds of the time: what a program takes once, to warm up, is no leak.
 * @throws RangeError when too few points are in it.
 */
export function growthOf(series: readonly Point[]): Growth {
  const [first, last] = [series.at(0)?.at ?? 0, series.at(-1)?.at ?? 0];
  const begin = first + (last - first) / 3;
  const window = series.filter(({ at }) => at >= begin);
  if (window.length < LEAST_POINTS)
    throw new RangeError(`${window.length} readings in the last two thirds; ${LEAST_POINTS} are needed`);
  const meanAt = mean(window.map(({ at }) => at));
  const meanBytes = mean(window.map(({ bytes }) => bytes));
  const covariance = mean(window.map(({ at, bytes }) => (at - meanAt) * (bytes - meanBytes)));
  const slope = covariance / mean(window.map(({ at }) => (at - meanAt) ** 2));
  const atBegin = meanBytes + slope * (begin - meanAt);
  const risen = slope * (last - begin);
  const percent = (100 * risen) / atBegin;
  return { percent, risen, bytesPerHour: slope * HOUR_MS, points: window.length };
}

/** What is wrong with a growth, or null. @param slack bytes by which the figure rises and falls by itself */
export function leak({ percent, risen }: Growth, slack = 0): string | null {
  if (percent < MOST_PERCENT || risen < slack) return null;
  return `rises by ${percent.toFixed(2)} % over the last two thirds, at most ${MOST_PERCENT} % is allowed`;
}

export type Descriptors = ReadonlyMap<string, number>;

/** How two counts of descriptors differ, kind by kind; empty: they are equal. */
export function differences(before: Descriptors, after: Descriptors): string[] {
  return [...new Set([...before.keys(), ...after.keys()])].toSorted().flatMap((kind) => {
    const [had, has] = [before.get(kind) ?? 0, after.get(kind) ?? 0];
    return had === has ? [] : [`${kind}: ${had} at the start, ${has} at the end`];
  });
}

export const total = (descriptors: Descriptors): number =>
  [...descriptors.values()].reduce((sum, count) => sum + count, 0);

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;
