import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { FAULTS, type Fault } from './faults.ts';
import type { Cell } from './run-cells.ts';
import type { Schedule } from './schedule.ts';
import { STEPS } from './steps.ts';

/** What `npm run test:faults -- ...` is asked to do. */
export type Options = { /** Processes side by side. */ readonly jobs: number } & (
  | /** A part of the matrix and a few random schedules, drawn with the seed. */
    { readonly mode: 'sample'; readonly seed: number }
    /** Every cell, and many random schedules from the seed on. */
  | { readonly mode: 'full'; readonly seed: number; readonly count: number }
  /** Random schedules from the seed on, such as one of them again. */
  | {
      readonly mode: 'schedules';
      readonly seed: number;
      readonly count: number;
      readonly ground: Schedule['ground'];
    }
  | { readonly mode: 'cells'; readonly cells: readonly Cell[] }
);

const SCHEDULES = 200;
/** Waiting dominates, so two share a processor or less; more than four wait for each other's starts. */
const JOBS = { least: 2, most: 4 };
const MOST_JOBS = 8;
/** Random seeds fit the generator's state. */
const SEEDS = 2 ** 32;

export const USAGE = `npm run test:faults                            a sample of the matrix, and random schedules
npm run test:faults -- --sample N              the same sample as one that printed N
npm run test:faults -- --full [--schedules N]  every cell, and N random schedules (${SCHEDULES})
npm run test:faults -- --seed N                one random schedule again; with --schedules M: M from there on
npm run test:faults -- --cluster-seed N        the same of those on a cluster
npm run test:faults -- --cell STEP:FAULT ...   cells by name, such as 6:source-killed; STEP or FAULT may be *
All of them take --jobs N: how many run side by side (one a processor, ${JOBS.least} to ${JOBS.most})`;

/** @throws RangeError with what is wrong. */
export function readOptions(args: readonly string[], processors: number = availableParallelism()): Options {
  const defaultJobs = Math.min(JOBS.most, Math.max(JOBS.least, processors));
  const { values } = parseArgs({
    args: [...args],
    options: {
      full: { type: 'boolean', default: false },
      sample: { type: 'string' },
      seed: { type: 'string' },
      'cluster-seed': { type: 'string' },
      schedules: { type: 'string' },
      jobs: { type: 'string', default: String(defaultJobs) },
      cell: { type: 'string', multiple: true },
    },
  });
  const fresh = Math.floor(Math.random() * SEEDS);
  const jobs = numberOf(values.jobs);
  if (jobs < 1 || jobs > MOST_JOBS) throw new RangeError(`--jobs is 1 to ${MOST_JOBS}`);
  if (values.cell !== undefined) return { mode: 'cells', jobs, cells: values.cell.flatMap(cellsOf) };
  const seed = values.seed === undefined ? fresh : numberOf(values.seed);
  if (values.full)
    return { mode: 'full', jobs, seed, count: numberOf(values.schedules ?? String(SCHEDULES)) };
  const clusterSeed = values['cluster-seed'];
  if (clusterSeed !== undefined || values.seed !== undefined || values.schedules !== undefined) {
    const count = numberOf(values.schedules ?? '1');
    const from =
      clusterSeed === undefined
        ? { seed, ground: 'folder' as const }
        : { seed: numberOf(clusterSeed), ground: 'cluster' as const };
    return { mode: 'schedules', jobs: Math.max(1, Math.min(jobs, count)), count, ...from };
  }
  return { mode: 'sample', jobs, seed: values.sample === undefined ? fresh : numberOf(values.sample) };
}

function numberOf(text: string): number {
  const number = Number(text);
  if (!Number.isInteger(number) || number < 0 || number >= SEEDS)
    throw new RangeError(`${text} is no whole number from 0 to ${SEEDS - 1}`);
  return number;
}

function cellsOf(text: string): Cell[] {
  const [step, fault] = text.split(':');
  const steps = STEPS.filter((one) => step === '*' || String(one) === step);
  const faults = FAULTS.filter((one: Fault) => fault === '*' || one === fault);
  if (steps.length === 0 || faults.length === 0) throw new RangeError(`there is no cell ${text}`);
  return faults.flatMap((one) => steps.map((at) => ({ step: at, fault: one })));
}
