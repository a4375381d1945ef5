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

/** How often nodes are started for a task before that is given up: a device may be slow to answer on a busy machine. */
const STARTS = 3;

/** Never rejects: what makes it impossible is its complaint. */
export async function perform(bench: Bench, task: Task): Promise<TaskResult> {
  const began = performance.now();
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await performed(bench, task);
    } catch (error) {
      await bench.discard();
      if (attempt < STARTS) continue;
      const seconds = (performance.now() - began) / 1000;
      const complaints = [(error as Error).message];
      return { task, complaints, end: 'no end', proof: null, seconds, logs: null };
    }
  }
}

async function performed(bench: Bench, task: Task): Promise<TaskResult> {
  const outcome =
    task.kind === 'cell' ? await tryCell(bench, task.cell) : await trySchedule(bench, task.schedule);
  const { complaints, evidence, seconds, logs } = outcome;
  const proof = task.kind === 'cell' ? (evidence?.proof.evidence ?? null) : null;
  return { task, complaints, end: endOf(evidence), proof, seconds, logs };
}
