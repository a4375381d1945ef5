import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';

export interface ProcessOptions {
  /** In messages, such as `agent gpu-a`. */
  readonly name: string;
  readonly program: string;
  readonly args: readonly string[];
  /** Standard output and standard error are appended to it. */
  readonly logFile: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** How long an orderly end may take before the process is killed, ms: longer than any program gives itself. */
const STOP_DEADLINE_MS = 30_000;
const POLL_MS = 20;
const QUOTED_LOG_BYTES = 4_000;

/**
 * A process of a test, with its output in a file. It is started through util-linux's `setpriv --pdeathsig`, which
 * execs the program under the same pid: when the test process dies, however it dies, the kernel kills it too.
 */
export class ManagedProcess implements AsyncDisposable {
  readonly name: string;
  readonly logFile: string;
  /** Length of the log when the process was started, characters: a log file may be that of earlier ones too. */
  readonly logOffset: number;
  readonly #child: ChildProcess;
  readonly #exited: Promise<void>;

  constructor({ name, program, args, logFile, env }: ProcessOptions) {
    this.name = name;
    this.logFile = logFile;
    const log = openSync(logFile, 'a');
    this.logOffset = readFileSync(logFile, 'utf8').length;
    this.#child = spawn('setpriv', ['--pdeathsig', 'KILL', '--', program, ...args], {
      stdio: ['ignore', log, log],
      env: { ...process.env, ...env },
    });
    closeSync(log);
    this.#exited = new Promise((resolve) => {
      this.#child.once('exit', () => resolve());
      this.#child.once('error', () => resolve());
    });
  }

  get pid(): number {
    return this.#child.pid ?? -1;
  }

  get running(): boolean {
    const { pid, exitCode, signalCode } = this.#child;
    return pid !== undefined && exitCode === null && signalCode === null;
  }

  /** How it ended: exit code, or null when it runs or a signal ended it. */
  get exitCode(): number | null {
    return this.#child.exitCode;
  }

  /** Everything it has written so far. */
  log(): Promise<string> {
    return readFile(this.logFile, 'utf8');
  }

  /**
   * Waits until `find` finds what it looks for in the log. `from` skips what was written before, characters.
   * @throws with the end of the log when the process ends first or the deadline passes.
   */
  async waitForLog<T>(find: (log: string) => T | null, deadlineMs: number, from = 0): Promise<T> {
    const until = Date.now() + deadlineMs;
    for (;;) {
      const isRunning = this.running;
      const found = find((await this.log()).slice(from));
      if (found !== null) return found;
      if (!isRunning) throw new Error(`${this.name} ended; ${await this.#quote()}`);
      if (Date.now() > until)
        throw new Error(`${this.name} was not ready within ${deadlineMs} ms; ${await this.#quote()}`);
      await delay(POLL_MS);
    }
  }

  signal(signal: NodeJS.Signals): void {
    if (this.running) this.#child.kill(signal);
  }

  /** Orderly end by SIGTERM; killed when it takes too long. */
  async stop(): Promise<void> {
    this.signal('SIGTERM');
    await Promise.race([this.#exited, delay(STOP_DEADLINE_MS, undefined, { ref: false })]);
    await this.kill();
  }

  /** The end that no process is told of: SIGKILL. */
  async kill(): Promise<void> {
    this.signal('SIGKILL');
    await this.#exited;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #quote(): Promise<string> {
    return `the end of ${this.logFile}:\n${(await this.log()).slice(-QUOTED_LOG_BYTES)}`;
  }
}

/** Polls until `probe` gives something other than null. @throws when the deadline passes; `what` says what was awaited. */
export async function eventually<T>(
  what: string,
  deadlineMs: number,
  probe: () => Promise<T | null> | T | null,
): Promise<T> {
  const until = Date.now() + deadlineMs;
  for (;;) {
    const found = await probe();
    if (found !== null) return found;
    if (Date.now() > until) throw new Error(`${what}: not within ${deadlineMs} ms`);
    await delay(POLL_MS);
  }
}
