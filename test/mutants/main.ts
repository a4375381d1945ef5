/**
 * Breaks one conformance rule after the other and looks whether the test of that rule turns red: `npm run
 * test:mutants`. First every such test must be green on the mutant build with nothing broken. Arguments are items:
 * only these are run. `--document` writes docs/conformance.md from the rows instead.
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { notGreen, notKilled } from './judge.ts';
import { ROOT, runJest } from './jest-run.ts';
import type { Mutant } from './row.ts';
import { itemsWithoutRow, rows } from './rows.ts';
import { writeDocument } from './write-document.ts';

/** As many as the machines that this is for have processors; a mutant costs about two seconds of one. */
const AT_ONCE = 2;
/** To end a jest that hangs; a machine with other work to do is slow. */
const BASELINE_TIMEOUT_MS = 600_000;
const MUTANT_TIMEOUT_MS = 300_000;

interface Trial {
  readonly item: string;
  readonly mutant: JestMutant;
}

/** Those of the C++ tests are run by `npm run test:native`. */
type JestMutant = Exclude<Mutant, { kind: 'native' }>;

const isForJest = (mutant: Mutant): mutant is JestMutant => mutant.kind !== 'native';

const wanted = process.argv.slice(2);
const trials: readonly Trial[] = rows
  .filter(({ item }) => wanted.length === 0 || wanted.includes(item))
  .flatMap(({ item, mutants }) => mutants.filter(isForJest).map((mutant) => ({ item, mutant })));

const environment = ({ item, mutant }: Trial): Record<string, string> =>
  mutant.kind === 'source' ? { TRANSSHIP_TS_MUTANT: mutant.id } : { TRANSSHIP_MUTANT: item };

function buildMutants(): void {
  const build = spawnSync('bash', [join(ROOT, 'native/scripts/build.sh'), 'mutants'], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  if (build.status !== 0) throw new Error('the mutant build failed');
}

/** Everything that a mutant is to turn red, once, with nothing broken. Returns what is wrong, by trial. */
async function baseline(): Promise<ReadonlyMap<Trial, string>> {
  const files = [...new Set(trials.map(({ mutant }) => mutant.test.file))];
  const results = await runJest({ files, timeoutMs: BASELINE_TIMEOUT_MS });
  const wrong = new Map<Trial, string>();
  for (const trial of trials) {
    const { file, name } = trial.mutant.test;
    const run = results.get(file);
    const why = run === undefined ? 'it did not run' : notGreen(run, name);
    if (why !== null) wrong.set(trial, why);
  }
  return wrong;
}

/** null when the mutant was killed. */
async function attempt(trial: Trial): Promise<string | null> {
  const { file, name } = trial.mutant.test;
  const options = { files: [file], name, env: environment(trial), timeoutMs: MUTANT_TIMEOUT_MS };
  const run = (await runJest(options)).get(file);
  return run === undefined ? 'it did not run' : notKilled(run, name);
}

const widest = Math.max(...trials.map(({ mutant }) => mutant.breaks.length));
const columns = [6, 8, widest] as const;

function print(item: string, kind: string, breaks: string, outcome: string): void {
  const cells = [item, kind, breaks].map((cell, at) => cell.padEnd(columns[at] ?? 0));
  process.stdout.write(`${cells.join('  ')}  ${outcome}\n`);
}

/** Runs the trials, `AT_ONCE` at a time, and prints them in their order. Returns how many survived. */
async function runAll(wrong: ReadonlyMap<Trial, string>): Promise<number> {
  let next = 0;
  let printed = 0;
  let failed = 0;
  const outcomes: (string | null | undefined)[] = trials.map(() => undefined);
  const flush = (): void => {
    for (; printed < trials.length && outcomes[printed] !== undefined; printed += 1) {
      const { item, mutant } = trials[printed]!;
      const why = outcomes[printed];
      if (why !== null) failed += 1;
      print(item, mutant.kind, mutant.breaks, why === null ? 'killed' : `NOT KILLED: ${why}`);
    }
  };
  const lane = async (): Promise<void> => {
    for (let at = next++; at < trials.length; at = next++) {
      const trial = trials[at]!;
      outcomes[at] = wrong.get(trial) ?? (await attempt(trial));
      flush();
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
  return failed;
}

async function main(): Promise<void> {
  if (wanted.includes('--document')) {
    await writeDocument();
    return;
  }
  if (trials.length === 0) throw new RangeError(`no mutant for jest: ${wanted.join(', ')}`);
  buildMutants();
  const begin = performance.now();
  print('item', 'part', 'mutant', 'outcome');
  const survived = await runAll(await baseline());
  const missing = wanted.length === 0 ? itemsWithoutRow : [];
  for (const item of missing) print(item, '', '', 'NO MUTANT');
  const seconds = ((performance.now() - begin) / 1000).toFixed(0);
  process.stdout.write(`${trials.length} mutants in ${seconds} s\n`);
  process.stdout.write(`${trials.length - survived} passed, ${survived + missing.length} failed\n`);
  process.exitCode = survived + missing.length === 0 ? 0 : 1;
}

await main();
