import { describe, expect, test } from '@jest/globals';
import { applyEdits } from '../../mutants/apply-edits.ts';
import { notGreen, notKilled } from '../../mutants/judge.ts';
import type { RunResult } from '../../mutants/judge.ts';

const NAME = '(^| )V1-43: ';
const run = (status: string, ...failureMessages: string[]): RunResult => ({
  tests: [
    { fullName: 'V1-42: another', status: 'pending', failureMessages: [] },
    { fullName: 'a segment V1-43: is collected', status, failureMessages },
  ],
  broken: null,
});
const UNMET = 'Error: \u001b[2mexpect(\u001b[22mreceived).toBe(expected)\n\nExpected: 1\n    at somewhere';

describe('a run with a mutant', () => {
  test.each([
    ['an unmet expectation', [UNMET]],
    ['an unmet expectation, and a hook that fails behind it', [UNMET, 'Error: connect ECONNREFUSED']],
    ['an order that breaks a rule', ['Error: V1-26: stopped before the set is quiet (0 -> Stop)']],
  ])('has killed it by %s', (_, messages) => {
    expect(notKilled(run('failed', ...messages), NAME)).toBeNull();
  });

  test.each([
    ['the tests stay green', run('passed'), 'survived'],
    ['only other tests ran', { tests: run('passed').tests.slice(0, 1), broken: null }, 'survived'],
    ['a test crashed', run('failed', 'TypeError: x is not a function'), 'not by an expectation'],
    ['a hook failed first', run('failed', 'Error: connect ECONNREFUSED', UNMET), 'not by an expectation'],
    ['a test took too long', run('failed', 'Error: Exceeded timeout of 30000 ms for a test.'), 'time limit'],
    [
      'something was awaited in vain',
      run('failed', UNMET, 'Error: traffic: not within 5000 ms'),
      'time limit',
    ],
    ['the file did not load', { tests: [], broken: 'no test ran: SyntaxError' }, 'SyntaxError'],
  ])('has not killed it when %s', (_, result, why) => {
    expect(notKilled(result, NAME)).toContain(why);
  });
});

describe('a run without a mutant', () => {
  test('is green when the tests of that name passed', () => {
    expect(notGreen(run('passed'), NAME)).toBeNull();
  });

  test.each([
    ['a test is red', run('failed', UNMET), 'red without a mutant'],
    ['no test has the name', { tests: [], broken: null }, 'no test has this name'],
    ['it broke', { tests: [], broken: 'jest left no results' }, 'no results'],
  ])('is not when %s', (_, result, why) => {
    expect(notGreen(result, NAME)).toContain(why);
  });
});

describe('an edit', () => {
  const edits = [{ file: 'a.ts', find: 'one', replace: 'two' }];

  test('changes its own file only', () => {
    expect(applyEdits('one', 'a.ts', edits)).toBe('two');
    expect(applyEdits('one', 'b.ts', edits)).toBe('one');
  });

  test.each(['none', 'one, one'])('that is not found exactly once is refused: %s', (text) => {
    expect(() => applyEdits(text.replace('none', 'zero'), 'a.ts', edits)).toThrow('not once');
  });
});
