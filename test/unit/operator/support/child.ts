import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface, type Interface } from 'node:readline';

/** A Node process that runs a module given as text; it says lines, and dies with the test. */
export class Child implements AsyncDisposable {
  readonly #process: ChildProcess;
  readonly #said: string[] = [];
  readonly #lines: Interface;

  constructor(module: string) {
    // The condition shows it the packages' sources; Node strips their types.
    const args = [process.execPath, '--conditions=source', '--input-type=module', '--eval', module];
    this.#process = spawn('setpriv', ['--pdeathsig', 'KILL', '--', ...args], {
      cwd: import.meta.dirname,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.#lines = createInterface(this.#process.stdout!);
    this.#lines.on('line', (line) => this.#said.push(line));
  }

  get said(): readonly string[] {
    return this.#said;
  }

  /** Resolves once the line was said, before this call or after it. */
  async expectLine(wanted: string): Promise<void> {
    const signal = AbortSignal.timeout(60_000);
    while (!this.#said.includes(wanted)) await once(this.#lines, 'line', { signal });
  }

  pause(): void {
    this.#process.kill('SIGSTOP');
  }

  resume(): void {
    this.#process.kill('SIGCONT');
  }

  /** Exit code once it has ended by itself; null after a signal. */
  async ended(): Promise<number | null> {
    if (this.#process.exitCode === null && this.#process.signalCode === null)
      await once(this.#process, 'exit');
    return this.#process.exitCode;
  }

  async kill(): Promise<void> {
    this.#process.kill('SIGKILL');
    await this.ended();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }
}
