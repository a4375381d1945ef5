import { notShownText } from '../not-shown.ts';
import { matrixTable } from '../matrix/table.ts';
import type { CellResult } from '../matrix/table.ts';
import { brokerTable } from '../voyage/broker-table.ts';

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

/** Jest reporter that prints the kernel suite's tables when their tests were run, and says nothing otherwise. */
export default class TableReporter {
  onRunComplete(_contexts: unknown, results: Results): void {
    // Jest's own `success` is not set before the reporters have been asked.
    globalThis.transshipKernelPassed =
      results.numFailedTests === 0 && results.numRuntimeErrorTestSuites === 0;
    const of = (file: string): Results['testResults'][number]['testResults'] | undefined =>
      results.testResults.find(({ testFilePath }) => testFilePath.endsWith(file))?.testResults;
    const texts: string[] = [];
    const matrix = of('kernel/matrix/matrix.test.ts');
    if (matrix !== undefined) {
      const cells = matrix.map(({ ancestorTitles, title, status, duration }): CellResult => ({
        door: (ancestorTitles[0] ?? '').replace(/^door /, ''),
        device: ancestorTitles[1] ?? '',
        case: title,
        status,
        durationMs: duration ?? null,
      }));
      texts.push(matrixTable(cells), notShownText());
    }
    const brokers = of('kernel/voyage/broker-killed.test.ts');
    if (brokers !== undefined) texts.push(brokerTable(brokers));
    if (texts.length > 0) process.once('exit', () => process.stdout.write(`\n${texts.join('\n\n')}\n\n`));
  }
}
