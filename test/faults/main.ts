/** Every step of a voyage with every fault: `npm run test:faults`. See docs/faults.md. */
import { allowedOutcomes } from './allowed.ts';
import { clusterMissing } from './cluster/available.ts';
import { ELSEWHERE } from './faults.ts';
import { readOptions, USAGE, type Options } from './options.ts';
import { canJump } from './rig/wall-clock.ts';
import { Bench, groundOf, tryCell, type Cell, type CellResult, type Ground } from './run-cells.ts';
import { trySchedule } from './run-schedules.ts';
import { allCells, sampleOf } from './sample.ts';
import { scheduleOf, shown, type Schedule } from './schedule.ts';
import { dashes, tableOf } from './table.ts';

/** Random schedules of a sample, and the time after which no more of its cells, or of its schedules, are begun, ms. */
const SAMPLE_SCHEDULES = 12;
/** Schedules on a cluster, of a sample and of a full run: each waits some seconds for a control plane that comes back. */
const CLUSTER_SCHEDULES = { sample: 2, full: 10 };
const SAMPLE_LIMIT_MS = 12 * 60_000;

const say = (line: string): unknown => process.stdout.write(`${line}\n`);

let passed = 0;
let failed = 0;
let skipped = 0;

/** Why this machine cannot do it; null: it can. */
async function missingFor(ground: Ground): Promise<string | null> {
  if (ground === 'cluster') return clusterMissing();
  return ground === 'clock' && !(await canJump()) ? "Debian's libfaketime is not installed" : null;
}

/** @returns the results; cells that were not begun within the limit count as failed. */
async function runCells(bench: Bench, cells: readonly Cell[], limitMs: number): Promise<CellResult[]> {
  const until = performance.now() + limitMs;
  const results: CellResult[] = [];
  for (const cell of cells) {
    const name = `${cell.step}:${cell.fault}`;
    const missing = await missingFor(groundOf(cell.fault));
    if (missing !== null) {
      skipped += 1;
      say(`skip  ${name}  ${missing}`);
      continue;
    }
    if (performance.now() > until) {
      failed += 1;
      say(`FAIL  ${name}  not begun: the time is over`);
      continue;
    }
    const result = await tryCell(bench, cell);
    results.push(result);
    const { complaints, evidence, seconds, logs } = result;
    if (complaints.length === 0) passed += 1;
    else failed += 1;
    const end = evidence === null ? 'no end' : [evidence.phase, evidence.code].filter(Boolean).join(' ');
    say(`${complaints.length === 0 ? 'ok  ' : 'FAIL'}  ${name}  ${end}  ${seconds.toFixed(1)} s`);
    if (evidence !== null)
      say(`      ${evidence.proof.evidence ?? 'nothing proves the fault'}`.slice(0, 160));
    for (const complaint of complaints) say(`      ${complaint}`);
    if (logs !== null) {
      say(`      logs: ${logs}`);
      say(`      again: npm run test:faults -- --cell ${name}`);
    }
  }
  return results;
}

async function runSchedules(bench: Bench, schedules: readonly Schedule[], limitMs: number): Promise<void> {
  const until = performance.now() + limitMs;
  for (const schedule of schedules) {
    const missing = await missingFor(schedule.ground);
    if (missing !== null) {
      skipped += 1;
      say(`skip  schedule ${shown(schedule)}  ${missing}`);
      continue;
    }
    if (performance.now() > until) {
      failed += 1;
      say(`FAIL  schedule ${shown(schedule)}  not begun: the time is over`);
      continue;
    }
    const { complaints, evidence, seconds, logs } = await trySchedule(bench, schedule);
    if (complaints.length === 0) passed += 1;
    else failed += 1;
    const end = evidence === null ? 'no end' : [evidence.phase, evidence.code].filter(Boolean).join(' ');
    const verdict = complaints.length === 0 ? 'ok  ' : 'FAIL';
    say(`${verdict}  schedule ${shown(schedule)}  ${end}  ${seconds.toFixed(1)} s`);
    for (const complaint of complaints) say(`      ${complaint}`);
    if (logs !== null) {
      say(`      logs: ${logs}`);
      const flag = schedule.ground === 'cluster' ? '--cluster-seed' : '--seed';
      say(`      again: npm run test:faults -- ${flag} ${schedule.seed}`);
    }
  }
}

const schedulesFrom = (seed: number, count: number, ground: Schedule['ground']): Schedule[] =>
  Array.from({ length: count }, (_, index) => scheduleOf((seed + index) % 2 ** 32, ground));

/** On a folder first, so that each ground is made ready once. */
const schedulesOf = (seed: number, count: number, onCluster: number): Schedule[] => [
  ...schedulesFrom(seed, count, 'folder'),
  ...schedulesFrom(seed, onCluster, 'cluster'),
];

function showTable(results: readonly CellResult[]): void {
  say('');
  say(
    tableOf((step, fault) => {
      const found = results.find((one) => one.step === step && one.fault === fault);
      if (found === undefined) return 'not run';
      return found.complaints.length === 0 ? 'passed' : 'FAILED';
    }),
  );
  for (const line of dashes()) say(line);
  for (const [what, where] of Object.entries(ELSEWHERE)) say(`${what}: ${where}`);
}

async function run(options: Options): Promise<void> {
  await using bench = new Bench();
  switch (options.mode) {
    case 'replay':
      return runSchedules(bench, [scheduleOf(options.seed, options.ground)], Number.POSITIVE_INFINITY);
    case 'cells': {
      const cells = options.cells.filter(({ step, fault }) => !('why' in allowedOutcomes(step, fault)));
      await runCells(bench, cells, Number.POSITIVE_INFINITY);
      return;
    }
    case 'full': {
      say(`the whole matrix, and schedules from seed ${options.seed} on`);
      const results = await runCells(bench, allCells(), Number.POSITIVE_INFINITY);
      await runSchedules(
        bench,
        schedulesOf(options.seed, options.schedules, CLUSTER_SCHEDULES.full),
        Number.POSITIVE_INFINITY,
      );
      showTable(results);
      return;
    }
    case 'sample': {
      say(`sample ${options.seed}; again: npm run test:faults -- --sample ${options.seed}`);
      await runCells(bench, sampleOf(options.seed), SAMPLE_LIMIT_MS);
      await runSchedules(
        bench,
        schedulesOf(options.seed, SAMPLE_SCHEDULES, CLUSTER_SCHEDULES.sample),
        SAMPLE_LIMIT_MS,
      );
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
  say(`${((performance.now() - began) / 1000).toFixed(0)} s`);
  say(`${passed} passed, ${failed} failed${skipped === 0 ? '' : `, ${skipped} skipped`}`);
  process.exitCode = failed === 0 ? 0 : 1;
}
// Connections that a client still tries to make would keep the process.
process.exit();
