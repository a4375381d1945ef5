import { notShownText } from '../not-shown.ts';
import { matrixTable } from '../matrix/table.ts';
import type { CellResult } from '../matrix/table.ts';

/** The part of jest's AggregatedResult that is needed here. */
interface Results {
  readonly numFailedTests: number;
  /** Files that could not even be loaded. */
  readonly numRuntimeErrorTestSuites: number;
  readonly testResults: readonly {
    readonly testFilePath: string;
    readonly testResults: readonly {
      readonly ancestorTitles: readonly string[];
      readonly title: string;
      readonly status: string;
      readonly duration?: number | null;
    }[];
  }[];
}

declare global {
  /** What this reporter tells the suite's teardown: no test has failed. */
  var transshipKernelPassed: boolean | undefined;
}

/** Jest reporter that prints the kernel suite's matrix when its tests were run, and says nothing otherwise. */
export default class TableReporter {
  onRunComplete(_contexts: unknown, results: Results): void {
    const { testResults } = results;
    // Jest's own `success` is not set before the reporters have been asked.
    globalThis.transshipKernelPassed =
      results.numFailedTests === 0 && results.numRuntimeErrorTestSuites === 0;
    const matrix = testResults.find(({ testFilePath }) =>
      testFilePath.endsWith('kernel/matrix/matrix.test.ts'),
    );
    if (matrix === undefined) return;
    const cells = matrix.testResults.map(({ ancestorTitles, title, status, duration }): CellResult => ({
      door: (ancestorTitles[0] ?? '').replace(/^door /, ''),
      device: ancestorTitles[1] ?? '',
      case: title,
      status,
      durationMs: duration ?? null,
    }));
    process.once('exit', () => process.stdout.write(`\n${matrixTable(cells)}\n\n${notShownText()}\n\n`));
  }
}
