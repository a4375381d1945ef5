/** Which ends a random schedule may have: from what its faults may do alone, and may cost together. */
import { allowedOutcomes, type Allowed, type Ending } from './allowed.ts';
import type { Fault } from './faults.ts';
import type { ScheduledFault } from './schedule.ts';
import { STEPS, type Step } from './steps.ts';

type Drawn = Pick<ScheduledFault, 'step' | 'fault'>;
type Side = 'source' | 'target';

const RESETS: ReadonlySet<Fault> = new Set<Fault>(['reset-failed', 'reset-ignored']);
/** An end that may be said in any way; the judge refuses what is true of no fault. */
const anyhow = (ending: Ending): Allowed => ({ ending, codes: [] });
const MOVED = anyhow('moved');

/** Whose device ignores its RESET: that of the step, or of giving up in it. */
const sideOfReset = (step: Step): Side => (step === 10 ? 'source' : 'target');
const WITHHELD: Readonly<Record<Side, Ending>> = {
  source: 'moved-source-withheld',
  target: 'stayed-target-withheld',
};

/** Nothing of the set is lost by any fault that is not one of these. */
const COSTS: Partial<Readonly<Record<Fault, readonly Ending[]>>> = {
  'source-died': ['lost', 'nothing-to-move', 'moved-source-withheld'],
  'target-died': ['target-lost', 'moved-then-died'],
  // A device that enters ERROR, or refuses an arc of the way home, costs its state; at the target, the target.
  'arc-error': ['lost', 'target-lost'],
};

/**
 * Ends that the rules allow when these faults strike, at whatever moment. One alone: what it may do in any step, told as
 * it would be there, or nothing when it meets nothing. Several: moved or stayed as if nothing had been, and beyond that
 * only what one of them may cost.
 */
export function allowedAfter(drawn: readonly Drawn[]): readonly Allowed[] {
  const [first, second] = drawn;
  if (first !== undefined && second === undefined) return allowedAlone(first);
  const faults = drawn.map(({ fault }) => fault);
  const mayWithhold = drawn.filter(({ fault }) => RESETS.has(fault)).map(({ step }) => sideOfReset(step));
  const endings = new Set<Ending>([
    ...(['moved', 'stayed'] as const),
    ...faults.flatMap((fault) => COSTS[fault] ?? []),
    ...mayWithhold.map((side) => WITHHELD[side]),
  ]);
  if (faults.includes('source-died') && faults.includes('target-died')) endings.add('both-lost');
  return [...endings].map((ending) => ({ ...anyhow(ending), mayWithhold }));
}

function allowedAlone({ step, fault }: Drawn): readonly Allowed[] {
  const all = STEPS.flatMap((one) => {
    // The device whose RESET fails is that of the drawn step, whichever step it meets.
    if (RESETS.has(fault) && sideOfReset(one) !== sideOfReset(step)) return [];
    const allowed = allowedOutcomes(one, fault);
    return 'why' in allowed ? [] : allowed;
  });
  return [MOVED, ...all];
}
