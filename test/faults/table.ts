/** The matrix as a table: a row a step, a column a fault. */
import { allowedOutcomes } from './allowed.ts';
import { FAULT_NAMES, FAULTS, type Fault } from './faults.ts';
import { STEP_NAMES, STEPS, type Step } from './steps.ts';

export type Mark = 'passed' | 'FAILED' | 'not run';

const SIGNS: Readonly<Record<Mark, string>> = { passed: 'ok', FAILED: 'FAIL', 'not run': '' };

/** Markdown, with a legend of the columns; `markOf` tells what became of each cell that applies. */
export function tableOf(markOf: (step: Step, fault: Fault) => Mark): string {
  const columns = FAULTS.map((_, index) => String.fromCharCode(65 + index));
  const rows = STEPS.map((step) => {
    const cells = FAULTS.map((fault) =>
      'why' in allowedOutcomes(step, fault) ? '-' : SIGNS[markOf(step, fault)],
    );
    return [`${step} ${STEP_NAMES[step]}`, ...cells];
  });
  const width = (at: number): number =>
    Math.max(...[['step', ...columns], ...rows].map((row) => (row[at] ?? '').length));
  const line = (row: readonly string[]): string =>
    `| ${row.map((cell, at) => cell.padEnd(width(at))).join(' | ')} |`;
  const rule = `| ${['step', ...columns].map((_, at) => '-'.repeat(Math.max(3, width(at)))).join(' | ')} |`;
  const legend = FAULTS.map((fault, index) => `- ${columns[index]}: ${fault} (${FAULT_NAMES[fault]})`);
  return [line(['step', ...columns]), rule, ...rows.map(line), '', ...legend].join('\n');
}

/** Why cells are a dash, one line a reason and fault. */
export function dashes(): string[] {
  return FAULTS.flatMap((fault) => {
    const reasons = new Map<string, Step[]>();
    for (const step of STEPS) {
      const allowed = allowedOutcomes(step, fault);
      if ('why' in allowed) reasons.set(allowed.why, [...(reasons.get(allowed.why) ?? []), step]);
    }
    return [...reasons].map(([why, steps]) => `${fault}: not in ${steps.join(', ')}: ${why}`);
  });
}
