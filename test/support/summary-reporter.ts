/** The counts of jest's AggregatedResult that decide whether a run proves anything. */
export interface Counts {
  numPassedTests: number;
  numFailedTests: number;
  numPendingTests: number;
  numTodoTests: number;
  /** Test files that could not be loaded: nobody knows how many tests they hold. */
  numRuntimeErrorTestSuites: number;
  /** Set when the run itself broke, a test file or none being to blame. */
  runExecError?: unknown;
}

/**
 * The one line that a jest run amounts to: `N passed, N failed` and, when any, `, N skipped`. A file that could not be
 * loaded and a run that broke count as one failure each. `ok` is false when anything failed and also when nothing
 * passed, since a run that checks nothing proves nothing.
 */
export function summarize(counts: Counts): { line: string; ok: boolean } {
  const failed =
    counts.numFailedTests + counts.numRuntimeErrorTestSuites + (counts.runExecError === undefined ? 0 : 1);
  const skipped = counts.numPendingTests + counts.numTodoTests;
  const line = `${counts.numPassedTests} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
  return { line, ok: failed === 0 && counts.numPassedTests > 0 };
}

/**
 * Jest reporter that prints the line after everything else, and fails the run when it is not ok. Jest's own summary
 * comes after every other reporter, so the line waits for the process to exit.
 */
export default class SummaryReporter {
  #error: Error | undefined;

  onRunComplete(_contexts: unknown, results: Counts): void {
    const { line, ok } = summarize(results);
    if (!ok) this.#error = new Error(line);
    process.once('exit', () => process.stdout.write(`${line}\n`));
  }

  getLastError(): Error | undefined {
    return this.#error;
  }
}
