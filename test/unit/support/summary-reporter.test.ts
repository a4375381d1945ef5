import { afterEach, describe, expect, jest, test } from '@jest/globals';
import SummaryReporter, { summarize, type Counts } from '../../support/summary-reporter.ts';

const none: Counts = {
  numPassedTests: 0,
  numFailedTests: 0,
  numPendingTests: 0,
  numTodoTests: 0,
  numRuntimeErrorTestSuites: 0,
};

afterEach(() => {
  jest.restoreAllMocks();
});

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

  test('is printed, and makes jest fail when it is not ok, by the error that jest asks the reporter for', () => {
    const write = jest.spyOn(process.stdout, 'write').mockReturnValue(true);
    const reporter = new SummaryReporter();
    expect(reporter.getLastError()).toBeUndefined();
    reporter.onRunComplete(new Set(), none);
    expect(reporter.getLastError()?.message).toBe('0 passed, 0 failed');
    expect(write.mock.calls).toEqual([['0 passed, 0 failed\n']]);
  });
});
