import { LEAST_POINTS, type Descriptors, type Point } from './judge.ts';

export type Measure = 'rss' | 'heap';

/** What was seen of one process over a long run. */
export interface Watched {
  readonly name: string;
  /** Its descriptors are judged. */
  readonly isCounted: boolean;
  readonly before: Descriptors;
  readonly after: Descriptors;
  /** What of its memory is judged. */
  readonly measures: readonly Measure[];
  readonly series: Readonly<Record<Measure, readonly Point[]>>;
  /** How far its resident set rises and falls without a leak, bytes. */
  readonly slack: number;
}

/** What a long run, or a part of it, came to. */
export interface SoakResult {
  readonly patients: readonly Watched[];
  readonly voyages: number;
  /** Voyages whose fault struck, by fault. */
  readonly struck: ReadonlyMap<string, number>;
  /** Voyages that were given up since something was silent for too long: the machine had too much to do. */
  readonly silent: number;
  /** Of voyages that ended otherwise than they may; the run ends with the first. */
  readonly wrong: readonly string[];
  /** Differences of descriptors, by patient. */
  readonly leftOpen: ReadonlyMap<Watched, readonly string[]>;
}

/** Whether there are readings enough of all that is judged: twice as many as have to be in the last two thirds. */
export const suffices = (measures: Watched['measures'], series: Watched['series']): boolean =>
  measures.every((measure) => series[measure].length >= 2 * LEAST_POINTS);
