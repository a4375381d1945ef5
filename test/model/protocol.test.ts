import { describe, expect, test } from '@jest/globals';
import { QUICK } from './cases.ts';
import { explore } from './explore.ts';
import { rulesOff } from './rules-off.ts';
import { SEEDED } from './seeded.ts';
import { summary } from './summary.ts';
import { tell } from './tell.ts';
import { production } from './variant.ts';

/** Far above what any case reaches: running into it is a failure, not a result. */
const BOUND = 3_000_000;

const say = (line: string): boolean => process.stdout.write(`model ${line}\n`);

describe('the set protocol: every reachable state keeps the invariants, and has a way to an end', () => {
  test.each(QUICK)('$name', ({ name, plan, faults, kinds }) => {
    const result = explore({ variant: production(plan), faults, kinds, bound: BOUND });
    say(summary(name, result));
    const { violation } = result;
    expect(violation === null ? '' : tell(violation.what, violation.trace)).toBe('');
    expect(result.exhausted).toBe(true);
    const ends = Object.keys(result.ends);
    expect(faults === 0 ? ends : ends.filter((end) => end === 'Succeeded')).toEqual(['Succeeded']);
  });
});

describe('a rule that is taken away is missed', () => {
  test.each(SEEDED)('$what', ({ rule, what, faults, kinds, expected, isLong }) => {
    const counts = (violation: string): boolean => expected.test(violation);
    const result = explore({
      variant: rulesOff[rule],
      faults,
      kinds,
      bound: BOUND,
      counts,
      prune: isLong ?? false,
    });
    say(summary(what, result));
    expect(result.violation?.what).toMatch(expected);
    if (isLong) return;
    const whole = explore({ variant: production(), faults, kinds, bound: BOUND, prune: false });
    expect(whole.violation).toBeNull();
    expect(whole.exhausted).toBe(true);
  });
});
