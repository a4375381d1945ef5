import { Judge } from './judge.ts';
import { WIDTH } from './parts.ts';
import { States } from './states.ts';
import { Successors } from './successors.ts';
import { retrace, type TraceStep } from './trace.ts';
import type { Variant } from './variant.ts';
import { Ways } from './ways.ts';
import { FAULTS, initialWorld, type Fault } from './world.ts';

export interface Options {
  readonly variant: Variant;
  /** Faults of all kinds together. */
  readonly faults: number;
  readonly kinds?: readonly Fault[];
  /** States; running into it is a failure, not a result. */
  readonly bound: number;
  /** Which violations end it; all, but for a test that looks for one consequence of a rule that is off. */
  readonly counts?: (what: string) => boolean;
  readonly liveness?: boolean;
  /**
   * Leave out what cannot matter any more (`Living`). Not where a rule is off, for it is the
   * rules that say what cannot matter.
   */
  readonly prune?: boolean;
  readonly progress?: (line: string) => void;
}

export interface Violation {
  readonly what: string;
  readonly trace: readonly TraceStep[];
}

export interface Result {
  readonly states: number;
  /** States that need as many faults and no fewer. */
  readonly levels: readonly number[];
  readonly transitions: number;
  readonly depth: number;
  /** The queue was worked off; false: the bound on states was reached first. */
  readonly exhausted: boolean;
  readonly violation: Violation | null;
  readonly ends: Readonly<Record<string, number>>;
}

const ALL = Object.keys(FAULTS) as Fault[];
const NEWS_EVERY = 1_000_000;

/**
 * Every reachable world, by the number of faults that it takes to get there, and among those of equal faults by the
 * number of steps: what is found is found with the fewest faults, and of those with the fewest steps. A world that
 * was reached with fewer faults is not looked at again: everything that follows with fewer left follows from it too.
 */
export function explore(options: Options): Result {
  const {
    variant,
    faults,
    bound,
    kinds = ALL,
    counts = (): boolean => true,
    prune = true,
    liveness = true,
    progress,
  } = options;
  const successors = new Successors(variant, (fault) => kinds.includes(fault), prune);
  const states = new States();
  const ways = new Ways();
  const judge = new Judge(successors.parts, variant);
  const starts: number[] = [0];
  const tuple = new Uint32Array(WIDTH);
  let transitions = 0;
  let depth = 0;
  let known = 1;
  let found: { what: string; id: number } | null = null;
  const end = (exhausted: boolean): Result => ({
    states: states.count,
    levels: starts.map((start, level) => (starts[level + 1] ?? states.count) - start),
    transitions,
    depth,
    exhausted,
    violation:
      found === null
        ? null
        : {
            what: found.what,
            trace: retrace(
              found.id,
              states,
              successors,
              variant,
              prune ? (starts[faults] ?? Infinity) : null,
            ),
          },
    ends: judge.ends,
  });
  states.add(successors.parts.tuple(initialWorld()), 0, 0);
  /** Goes on from one world; false: stop. */
  const expand = (id: number, byFault: boolean, last: boolean): boolean => {
    states.read(id, tuple);
    const steps = states.depth(id) + 1;
    successors.each(tuple, byFault, last, (next) => {
      transitions += 1;
      if (found !== null) return;
      const to = states.add(next, id, steps);
      if (liveness && !byFault) ways.add(to);
      if (states.count === known) return;
      known = states.count;
      depth = Math.max(depth, steps);
      if (states.count % NEWS_EVERY === 0)
        progress?.(
          `${states.count} states, ${transitions} transitions, ${starts.length - 1} faults, depth ${steps}`,
        );
      const what = judge.violated(next);
      if (what !== null && counts(what)) found = { what, id: to };
    });
    if (liveness && !byFault) ways.close();
    return found === null && states.count < bound;
  };
  for (let level = 0; level <= faults; level += 1) {
    const last = level === faults;
    let before = level === 0 ? 0 : (starts[level - 1] ?? 0);
    const until = level === 0 ? 0 : states.count;
    if (level > 0) starts[level] = states.count;
    let mine = level === 0 ? 0 : states.count;
    // Both queues are in order of steps, and so is what comes of always taking the shorter one.
    while (before < until || mine < states.count) {
      const older = before < until && (mine >= states.count || states.depth(before) <= states.depth(mine));
      if (!expand(older ? before : mine, older, last)) return end(false);
      if (older) before += 1;
      else mine += 1;
    }
  }
  if (liveness) {
    const stuck = judge.stuck(states, ways, progress);
    if (stuck !== null && counts(stuck.what)) found = stuck;
  }
  return end(true);
}
