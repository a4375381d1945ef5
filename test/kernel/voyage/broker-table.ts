import { STEP_NAMES, STEPS } from '../../faults/steps.ts';

/** Result of one test, as jest reports it. */
export interface TitledResult {
  readonly title: string;
  readonly status: string;
}

const COLUMNS = [
  ['source', ''],
  ['target', ''],
  ['source', ' and of its agent'],
  ['target', ' and of its agent'],
] as const;

const HEADS = ['source', 'target', 'source, agent too', 'target, agent too'] as const;
const MARKS: Readonly<Record<string, string>> = { passed: 'ok', failed: 'FAIL' };

/** The cells of a killed broker as Markdown: a row a step, a column a side; empty where this run had no such cell. */
export function brokerTable(results: readonly TitledResult[]): string {
  const markOf = (step: number, side: string, and: string): string => {
    if (step < 3 && and !== '') return '-';
    const found = results.find(
      ({ title }) => title.startsWith(`in step ${step} (`) && title.endsWith(`broker of the ${side}${and}`),
    );
    return found === undefined ? '' : (MARKS[found.status] ?? found.status);
  };
  const rows = STEPS.map((step) => [
    `${step} ${STEP_NAMES[step]}`,
    ...COLUMNS.map(([side, and]) => markOf(step, side, and)),
  ]);
  const table = [['step', ...HEADS], ['step', ...HEADS].map(() => '---'), ...rows];
  return ['SIGKILL of the broker:', '', ...table.map((row) => `| ${row.join(' | ')} |`)].join('\n');
}
