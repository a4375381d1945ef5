import { spawnSync } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads';
import { FULL, type Case } from './cases.ts';
import { explore, type Result } from './explore.ts';
import { rulesOff } from './rules-off.ts';
import { SEEDED } from './seeded.ts';
import { summary } from './summary.ts';
import { tell } from './tell.ts';
import { production } from './variant.ts';

/**
 * `npm run test:model` runs the quick cases under jest. With `--full`: every case of cases.ts, two at a time, each in
 * a thread of its own; `--only TEXT` takes those whose name has it, `--bound STATES` sets the bound of each.
 * `--seeded` tells the trace of each rule that is taken away. Exit code 1: a violation, or a case not exhausted.
 */
interface Task {
  readonly only: Case;
  readonly bound: number;
}

type Told = { readonly progress: string } | { readonly result: Result };

/** About 38 bytes a state and 4 a transition: the widest case needs about 10 GiB. */
const BOUND = 120_000_000;
const THREADS = 2;

const say = (line: string): boolean => process.stdout.write(`${line}\n`);
const gibibytes = (): string => (process.memoryUsage().rss / 2 ** 30).toFixed(1);

function work({ only, bound }: Task): void {
  const { plan, faults, kinds } = only;
  const progress = (line: string): void => parentPort?.postMessage({ progress: line } satisfies Told);
  const result = explore({ variant: production(plan), faults, kinds, bound, progress });
  parentPort?.postMessage({ result } satisfies Told);
}

function inThread(task: Task): Promise<Result | Error> {
  return new Promise((resolve) => {
    const worker = new Worker(new URL(import.meta.url), {
      workerData: task,
      resourceLimits: { maxOldGenerationSizeMb: 6_000 },
    });
    worker.on('message', (told: Told) => {
      if ('result' in told) resolve(told.result);
      else say(`  ... ${task.only.name}: ${told.progress}, ${gibibytes()} GiB in all`);
    });
    worker.on('error', resolve);
    worker.on('exit', () => resolve(new Error('the thread ended')));
  });
}

async function full(cases: readonly Case[], bound: number): Promise<number> {
  const begun = Date.now();
  const left = [...cases];
  const failed: string[] = [];
  let states = 0;
  let peak = 0;
  const watch = setInterval(() => (peak = Math.max(peak, process.memoryUsage().rss)), 1_000);
  const thread = async (): Promise<void> => {
    for (let only = left.shift(); only !== undefined; only = left.shift()) {
      const since = Date.now();
      const result = await inThread({ only, bound });
      const seconds = Math.round((Date.now() - since) / 1000);
      if (result instanceof Error) {
        say(`${only.name}: FAILED, ${result.message}`);
        failed.push(only.name);
        continue;
      }
      states += result.states;
      say(`${summary(only.name, result)} [${seconds} s]`);
      if (result.violation !== null) say(tell(result.violation.what, result.violation.trace));
      if (result.violation !== null || !result.exhausted) failed.push(only.name);
    }
  };
  await Promise.all(Array.from({ length: Math.min(THREADS, availableParallelism()) }, thread));
  clearInterval(watch);
  const minutes = ((Date.now() - begun) / 60_000).toFixed(1);
  say(`${cases.length} cases, ${states} states, ${minutes} min, at most ${(peak / 2 ** 30).toFixed(1)} GiB`);
  for (const name of failed) say(`failed: ${name}`);
  say(`${cases.length - failed.length} passed, ${failed.length} failed`);
  return failed.length === 0 ? 0 : 1;
}

function seeded(): number {
  let missed = 0;
  for (const { rule, what, faults, kinds, expected } of SEEDED) {
    const counts = (violation: string): boolean => expected.test(violation);
    const { violation } = explore({
      variant: rulesOff[rule],
      faults,
      kinds,
      bound: BOUND,
      counts,
      prune: false,
    });
    if (violation === null) missed += 1;
    say(`\n${what}: ${violation === null ? 'NOT FOUND' : tell(violation.what, violation.trace)}`);
  }
  return missed === 0 ? 0 : 1;
}

function quick(args: readonly string[]): number {
  const { status } = spawnSync(
    'npm',
    ['run', '--silent', 'jest', '--', '--selectProjects', 'model', ...args],
    {
      stdio: 'inherit',
    },
  );
  return status ?? 1;
}

const after = (args: readonly string[], option: string): string | undefined => {
  const at = args.indexOf(option);
  return at === -1 ? undefined : args[at + 1];
};

if (!isMainThread) work(workerData as Task);
else {
  const args = process.argv.slice(2);
  const only = after(args, '--only');
  const cases = FULL.filter(({ name }) => only === undefined || name.includes(only));
  if (args.includes('--seeded')) process.exitCode = seeded();
  else if (args.includes('--full'))
    process.exitCode = await full(cases, Number(after(args, '--bound') ?? BOUND));
  else process.exitCode = quick(args);
}
