import Table from 'cli-table3';
import { CASES, DEVICES, DOORS, reasonNotShown } from './rows.ts';
import type { CaseName } from './rows.ts';

/** Result of one test of the matrix, as jest reports it. */
export interface CellResult {
  readonly door: string;
  readonly device: string;
  readonly case: string;
  readonly status: string;
  readonly durationMs: number | null;
}

const MARKS: Readonly<Record<string, string>> = { passed: 'ok', failed: 'FAILED' };

/** The matrix as text: one row a door and device, one column a case; cells that cannot be shown name a reason below. */
export function matrixTable(results: readonly CellResult[]): string {
  const reasons: string[] = [];
  const note = (reason: string): string => {
    if (!reasons.includes(reason)) reasons.push(reason);
    return `n/a ${reasons.indexOf(reason) + 1}`;
  };
  const cell = (door: string, device: string, name: CaseName): string => {
    const reason = reasonNotShown(device, name);
    if (reason !== null) return note(reason);
    const found = results.find((one) => one.door === door && one.device === device && one.case === name);
    if (found === undefined) return 'not run';
    const seconds = found.durationMs === null ? '' : ` ${(found.durationMs / 1000).toFixed(1)} s`;
    return `${MARKS[found.status] ?? found.status}${seconds}`;
  };
  const table = new Table({
    head: ['door', 'device', ...CASES],
    style: { head: [], border: [], compact: true },
  });
  for (const door of DOORS) {
    for (const { name } of DEVICES) {
      table.push([door, name, ...CASES.map((column) => cell(door, name, column))]);
    }
  }
  return [table.toString(), ...reasons.map((reason, index) => `n/a ${index + 1}: ${reason}`)].join('\n');
}
