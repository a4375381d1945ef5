/** Every step of a voyage with every fault: `npm run test:faults`. See docs/faults.md. */
import { applies } from './allowed.ts';
import { Crew } from './crew.ts';
import { ELSEWHERE } from './faults.ts';
import { readOptions, USAGE, type Options } from './options.ts';
import { clusterMissing } from './cluster/available.ts';
import { removeFolders } from './rig/folders.ts';
import { canJump } from './rig/wall-clock.ts';
import type { Cell, Ground } from './run-cells.ts';
import { allCells, sampleOf } from './sample.ts';
import { scheduleOf, type Schedule } from './schedule.ts';
import { dashes, tableOf } from './table.ts';
import { againOf, groundFor, nameOf, type Task, type TaskResult } from './tasks.ts';

/** Random schedules of a sample, and the time after which no more of its tasks are begun, ms. */
const SAMPLE_SCHEDULES = 12;
/** Schedules on a cluster, of a sample and of a full run: each waits some seconds for a control plane that comes back. */
const CLUSTER_SCHEDULES = { sample: 2, full: 10 };
const SAMPLE_LIMIT_MS = 14 * 60_000;

const say = (line: string): unknown => process.stdout.write(`${line}\n`);

let passed = 0;
let failed = 0;
let skipped = 0;
/** Cells whose fault did not meet its step at first, and starts of nodes that were repeated. */
let triedAgain = 0;
let startedAgain = 0;

function tell({ task, complaints, end, proof, seconds, logs, tries, restarts }: TaskResult): void {
  if (tries > 1) triedAgain += 1;
  startedAgain += restarts.length;
  if (complaints.length === 0) passed += 1;
  else failed += 1;
  say(`${complaints.length === 0 ? 'ok  ' : 'FAIL'}  ${nameOf(task)}  ${end}  ${seconds.toFixed(1)} s`);
  if (proof !== null) say(`      ${proof}`.slice(0, 160));
  if (tries > 1) say(`      tries: ${tries}, the fault did not meet its step before`);
  for (const why of restarts) say(`      nodes started again: ${why}`);
  for (const complaint of complaints) say(`      ${complaint}`);
  if (logs !== null) say(`      logs: ${logs}`);
  if (complaints.length > 0) say(`      again: npm run test:faults -- ${againOf(task)}`);
}

/** Why this machine cannot do it; null: it can. */
async function missingFor(ground: Ground): Promise<string | null> {
  if (ground === 'cluster') return clusterMissing();
  return ground === 'clock' && !(await canJump()) ? "Debian's libfaketime is not installed" : null;
}

/** @returns the results; tasks that were not begun within the limit count as failed. */
async function runAll(jobs: number, tasks: readonly Task[], limitMs: number): Promise<TaskResult[]> {
  const possible: Task[] = [];
  for (const task of tasks) {
    const missing = await missingFor(groundFor(task));
    if (missing === null) {
      possible.push(task);
    } else {
      skipped += 1;
      say(`skip  ${nameOf(task)}  ${missing}`);
    }
  }
  const results: TaskResult[] = [];
  await using crew = new Crew(jobs);
  const left = await crew.perform(possible, limitMs, (result) => {
    results.push(result);
    tell(result);
  });
  for (const wrong of await crew.end()) {
    failed += 1;
    say(`FAIL  ${wrong}`);
  }
  for (const task of left) {
    failed += 1;
    say(`FAIL  ${nameOf(task)}  not begun`);
    say(`      again: npm run test:faults -- ${againOf(task)}`);
  }
  return results;
}

const asTask = (cell: Cell): Task => ({ kind: 'cell', cell });
const schedulesFrom = (seed: number, count: number, ground: Schedule['ground']): Task[] =>
  Array.from({ length: count }, (_, index) => ({
    kind: 'schedule',
    schedule: scheduleOf((seed + index) % 2 ** 32, ground),
  }));
const schedulesOf = (seed: number, count: number, onCluster: number): Task[] => [
  ...schedulesFrom(seed, count, 'folder'),
  ...schedulesFrom(seed, onCluster, 'cluster'),
];

function showTable(results: readonly TaskResult[]): void {
  say('');
  say(
    tableOf((step, fault) => {
      const found = results.find(
        ({ task }) => task.kind === 'cell' && task.cell.step === step && task.cell.fault === fault,
      );
      if (found === undefined) return 'not run';
      return found.complaints.length === 0 ? 'passed' : 'FAILED';
    }),
  );
  say('');
  for (const line of dashes()) say(`- ${line}`);
  for (const [what, where] of Object.entries(ELSEWHERE)) say(`- ${what}: ${where}`);
  say('');
}

/** Cells and schedules apart: seconds of each, all together and of the longest. */
function showTimes(results: readonly TaskResult[]): void {
  for (const kind of ['cell', 'schedule'] as const) {
    const times = results.filter(({ task }) => task.kind === kind).map(({ seconds }) => seconds);
    if (times.length === 0) continue;
    const total = times.reduce((sum, one) => sum + one, 0);
    const mean = (total / times.length).toFixed(1);
    say(`${times.length} ${kind}s: ${mean} s each, the longest ${Math.max(...times).toFixed(0)} s`);
  }
}

async function run(options: Options): Promise<void> {
  const { jobs } = options;
  switch (options.mode) {
    case 'schedules':
      say(`schedules from seed ${options.seed} on`);
      showTimes(
        await runAll(
          jobs,
          schedulesFrom(options.seed, options.count, options.ground),
          Number.POSITIVE_INFINITY,
        ),
      );
      return;
    case 'cells': {
      const cells = options.cells.filter(({ step, fault }) => applies(step, fault));
      const results = await runAll(jobs, cells.map(asTask), Number.POSITIVE_INFINITY);
      if (cells.length > 1) showTable(results);
      showTimes(results);
      return;
    }
    case 'full': {
      say(`the whole matrix, and ${options.count} schedules from seed ${options.seed} on`);
      const tasks = [
        ...allCells().map(asTask),
        ...schedulesOf(options.seed, options.count, CLUSTER_SCHEDULES.full),
      ];
      const results = await runAll(jobs, tasks, Number.POSITIVE_INFINITY);
      showTable(results);
      showTimes(results);
      return;
    }
    case 'sample': {
      say(`sample ${options.seed}; again: npm run test:faults -- --sample ${options.seed}`);
      const tasks = [
        ...sampleOf(options.seed).map(asTask),
        ...schedulesOf(options.seed, SAMPLE_SCHEDULES, CLUSTER_SCHEDULES.sample),
      ];
      showTimes(await runAll(jobs, tasks, SAMPLE_LIMIT_MS));
    }
  }
}

const began = performance.now();
let options: Options | null = null;
try {
  options = readOptions(process.argv.slice(2));
} catch (error) {
  say(`${(error as Error).message}\n\n${USAGE}`);
  process.exitCode = 2;
}
if (options !== null) {
  await run(options);
  await removeFolders();
  if (triedAgain > 0) say(`${triedAgain} cells tried again`);
  if (startedAgain > 0) say(`${startedAgain} starts of nodes repeated`);
  say(`${((performance.now() - began) / 1000).toFixed(0)} s`);
  say(`${passed} passed, ${failed} failed${skipped === 0 ? '' : `, ${skipped} skipped`}`);
  process.exitCode = failed === 0 ? 0 : 1;
}
