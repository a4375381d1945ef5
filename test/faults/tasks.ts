/** What a run is made of: cells and random schedules, each with its name and the line that runs it again. */
import type { Evidence } from './evidence.ts';
import { groundOf, tryCell, type Bench, type Cell, type Ground } from './run-cells.ts';
import { trySchedule } from './run-schedules.ts';
import { shown, type Schedule } from './schedule.ts';

export type Task =
  { readonly kind: 'cell'; readonly cell: Cell } | { readonly kind: 'schedule'; readonly schedule: Schedule };

/** Plain data: it comes from another process. */
export interface TaskResult {
  readonly task: Task;
  /** What is wrong; empty: it passed. */
  readonly complaints: readonly string[];
  /** How the migration ended, and what proves the fault. */
  readonly end: string;
  readonly proof: string | null;
  readonly seconds: number;
  /** Where the logs of a failed one are. */
  readonly logs: string | null;
  /** How often it was run; more than once when the fault did not meet its step. */
  readonly tries: number;
  /** Why nodes had to be started once more for it. */
  readonly restarts: readonly string[];
}

export const nameOf = (task: Task): string =>
  task.kind === 'cell' ? `${task.cell.step}:${task.cell.fault}` : `schedule ${shown(task.schedule)}`;

/** Arguments that run it alone. */
export function againOf(task: Task): string {
  if (task.kind === 'cell') return `--cell ${nameOf(task)}`;
  const { ground, seed } = task.schedule;
  return `${ground === 'cluster' ? '--cluster-seed' : '--seed'} ${seed}`;
}

/** What it needs under its operator. */
export function groundFor(task: Task): Ground {
  if (task.kind === 'cell') return groundOf(task.cell.fault);
  const { ground, faults } = task.schedule;
  return faults.some(({ fault }) => fault === 'clock-jumped') ? 'clock' : ground;
}

/** Whether it needs more than most do, which takes its time to start: a cluster, or a cell's clock that can jump. */
export const isSpecial = (task: Task): boolean =>
  groundFor(task) === 'cluster' || (task.kind === 'cell' && groundFor(task) === 'clock');

const endOf = (evidence: Evidence | null): string =>
  evidence === null ? 'no end' : [evidence.phase, evidence.code].filter(Boolean).join(' ');

/** Never rejects, and never repeats what was judged: what makes it impossible is its complaint. */
export async function perform(bench: Bench, task: Task): Promise<TaskResult> {
  const began = performance.now();
  const result = await performed(bench, task).catch((error: unknown) => ({
    ...{ task, complaints: [(error as Error).message], end: 'no end', proof: null, logs: null, tries: 1 },
    seconds: (performance.now() - began) / 1000,
  }));
  return { ...result, restarts: bench.takeRestarts() };
}

async function performed(bench: Bench, task: Task): Promise<Omit<TaskResult, 'restarts'>> {
  if (task.kind === 'schedule') {
    const { complaints, evidence, seconds, logs } = await trySchedule(bench, task.schedule);
    return { task, complaints, end: endOf(evidence), proof: null, seconds, logs, tries: 1 };
  }
  const { complaints, evidence, seconds, logs, tries } = await tryCell(bench, task.cell);
  const proof = evidence?.proof.evidence ?? null;
  return { task, complaints, end: endOf(evidence), proof, seconds, logs, tries };
}
