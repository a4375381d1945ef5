import { describe, expect, test } from '@jest/globals';
import { summarize, type Counts } from '../../support/summary-reporter.ts';

const none: Counts = {
  numPassedTests: 0,
  numFailedTests: 0,
  numPendingTests: 0,
  numTodoTests: 0,
  numRuntimeErrorTestSuites: 0,
};

describe('the closing line of a run', () => {
  test.each<[string, Partial<Counts>, string, boolean]>([
    ['only passes', { numPassedTests: 3 }, '3 passed, 0 failed', true],
    ['one failure', { numPassedTests: 3, numFailedTests: 1 }, '3 passed, 1 failed', false],
    [
      'skipped and todo',
      { numPassedTests: 3, numPendingTests: 1, numTodoTests: 1 },
      '3 passed, 0 failed, 2 skipped',
      true,
    ],
    [
      'a file that does not load',
      { numPassedTests: 3, numRuntimeErrorTestSuites: 1 },
      '3 passed, 1 failed',
      false,
    ],
    [
      'a run that broke',
      { numPassedTests: 3, runExecError: new Error('broke') },
      '3 passed, 1 failed',
      false,
    ],
    ['no test at all', {}, '0 passed, 0 failed', false],
    ['nothing but skipped tests', { numPendingTests: 2 }, '0 passed, 0 failed, 2 skipped', false],
  ])('with %s', (_name, counts, line, ok) => {
    expect(summarize({ ...none, ...counts })).toEqual({ line, ok });
  });
});
