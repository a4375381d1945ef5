/** Several workers side by side: most of a cell is spent waiting. */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { isSpecial, type Task, type TaskResult } from './tasks.ts';

const WORKER = join(import.meta.dirname, 'worker.ts');
/** How long workers may take to end their nodes, ms. */
const END_MS = 60_000;

export class Crew implements AsyncDisposable {
  readonly #workers: readonly ChildProcess[];
  readonly #patienceMs: number;
  #ended: Promise<readonly string[]> | null = null;

  constructor(jobs: number, { program = WORKER, patienceMs = END_MS } = {}) {
    this.#workers = Array.from({ length: jobs }, () => fork(program, []));
    this.#patienceMs = patienceMs;
  }

  /**
   * Has all tasks performed that are begun within the limit, and tells each result as it comes. Special
   * ones go to the first worker, which does them first.
   * @returns tasks that were not begun
   */
  async perform(
    tasks: readonly Task[],
    limitMs: number,
    tell: (result: TaskResult) => void,
  ): Promise<readonly Task[]> {
    const until = performance.now() + limitMs;
    const left = { special: tasks.filter(isSpecial), any: tasks.filter((task) => !isSpecial(task)) };
    const work = this.#workers.map(async (worker, index) => {
      for (;;) {
        if (performance.now() > until || !isThere(worker)) return;
        const task = (index === 0 ? left.special.shift() : undefined) ?? left.any.shift();
        if (task === undefined) return;
        tell(await performOn(worker, task));
      }
    });
    await Promise.all(work);
    return [...left.special, ...left.any];
  }

  /** Has the workers end their nodes and themselves. @returns what went wrong with that */
  end(): Promise<readonly string[]> {
    this.#ended ??= Promise.all(this.#workers.map((worker) => ended(worker, this.#patienceMs))).then(
      (wrong) => wrong.filter((one) => one !== null),
    );
    return this.#ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end();
  }
}

/** null: in good order. */
async function ended(worker: ChildProcess, patienceMs: number): Promise<string | null> {
  if (isThere(worker)) {
    const exit = once(worker, 'exit');
    if (worker.connected) worker.disconnect();
    const killing = setTimeout(() => worker.kill('SIGKILL'), patienceMs);
    await exit;
    clearTimeout(killing);
  }
  const { pid, exitCode, signalCode } = worker;
  return exitCode === 0 ? null : `worker ${pid} ended with ${signalCode ?? `exit code ${exitCode}`}`;
}

const isThere = ({ exitCode, signalCode }: ChildProcess): boolean => exitCode === null && signalCode === null;

async function performOn(worker: ChildProcess, task: Task): Promise<TaskResult> {
  const began = performance.now();
  const { promise, resolve } = Promise.withResolvers<TaskResult>();
  const gone = (): void => {
    const seconds = (performance.now() - began) / 1000;
    resolve({
      ...{ task, seconds, end: 'no end', proof: null, logs: null, tries: 1, restarts: [] },
      complaints: ['the process that performed it ended'],
    });
  };
  worker.once('exit', gone);
  worker.once('message', (result) => resolve(result as TaskResult));
  worker.send(task);
  return promise.finally(() => {
    worker.off('exit', gone);
    worker.removeAllListeners('message');
  });
}
