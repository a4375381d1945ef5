import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { open } from 'node:fs/promises';

/** What to start, and where its output goes. */
export interface ChildOptions {
  /** Name in messages, such as `etcd`. */
  readonly name: string;
  /** Path of the program. */
  readonly program: string;
  readonly args: readonly string[];
  /** File that standard output and standard error are appended to. */
  readonly logFile: string;
}

/** Bytes from the end of a log that an error message quotes. */
const LOG_TAIL_BYTES = 4096;
/** How long a process may take to vanish after SIGKILL; only an uninterruptible system call takes longer. */
const KILL_DEADLINE_MS = 60_000;

/**
 * One process of the rig. It is started through util-linux's `setpriv --pdeathsig`, which execs the program under
 * the same pid: when this Node process dies, however it dies, the kernel kills the child too.
 */
export class Child {
  readonly name: string;
  readonly logFile: string;
  readonly #process: ChildProcess;
  readonly #exited: Promise<void>;
  #failure: Error | undefined;

  /** Starts the program at once. A program that cannot be started shows as {@link exited}, never as a throw. */
  constructor(options: ChildOptions) {
    this.name = options.name;
    this.logFile = options.logFile;
    const log = openSync(options.logFile, 'a', 0o600);
    try {
      this.#process = spawn('setpriv', ['--pdeathsig', 'KILL', '--', options.program, ...options.args], {
        stdio: ['ignore', log, log],
        detached: false,
      });
    } finally {
      closeSync(log);
    }
    this.#exited = new Promise((resolve) => {
      this.#process.once('exit', () => resolve());
      this.#process.once('error', (error) => {
        this.#failure = error;
        resolve();
      });
    });
  }

  /** Process id, or undefined when the program could not be started. */
  get pid(): number | undefined {
    return this.#process.pid;
  }

  get running(): boolean {
    const { pid, exitCode, signalCode } = this.#process;
    return pid !== undefined && exitCode === null && signalCode === null;
  }

  /** The signal that ended it; null while it runs, and when it ended by itself. */
  get endedBy(): NodeJS.Signals | null {
    return this.#process.signalCode;
  }

  /** Stops the process from being scheduled: its sockets stay open and answer nothing. */
  pause(): void {
    this.#signal('SIGSTOP');
  }

  /** Undoes {@link pause}. */
  resume(): void {
    this.#signal('SIGCONT');
  }

  /**
   * Kills the process and waits until it is gone. SIGKILL works on a paused process as well, and nothing that the
   * rig keeps needs a goodbye: etcd recovers from its log.
   * @throws if it is still there after a minute.
   */
  async kill(): Promise<void> {
    if (this.running) this.#process.kill('SIGKILL');
    const timer = AbortSignal.timeout(KILL_DEADLINE_MS);
    const expired = new Promise<never>((_, reject) => {
      timer.addEventListener('abort', () => reject(new Error(`${this.name} (${this.pid}) survived SIGKILL`)));
    });
    await Promise.race([this.#exited, expired]);
  }

  /** Why the process is gone, with the end of its log. Meant for the message of an error. */
  async obituary(): Promise<string> {
    const { exitCode, signalCode } = this.#process;
    const how = this.#failure?.message ?? (signalCode === null ? `exit code ${exitCode}` : signalCode);
    return `${this.name} ended (${how}); the end of ${this.logFile}:\n${await this.#logTail()}`;
  }

  #signal(signal: NodeJS.Signals): void {
    if (!this.running) throw new Error(`${this.name} is not running, so ${signal} cannot reach it`);
    this.#process.kill(signal);
  }

  async #logTail(): Promise<string> {
    const file = await open(this.logFile, 'r');
    try {
      const { size } = await file.stat();
      const start = Math.max(0, size - LOG_TAIL_BYTES);
      const { buffer, bytesRead } = await file.read(Buffer.alloc(size - start), 0, size - start, start);
      return buffer.toString('utf8', 0, bytesRead);
    } finally {
      await file.close();
    }
  }
}
