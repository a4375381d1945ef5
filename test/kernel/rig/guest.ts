import { statSync } from 'node:fs';
import type { Command, ExecResult } from '../protocol.ts';
import { ControlClient } from './control-client.ts';
import { complaintsIn, KernelLog, taintsOf } from './kernel-log.ts';
import type { GuestDescription } from './qemu.ts';

const EXEC_DEADLINE_MS = 60_000;

/** A running guest: what a test does in it, and what its kernel says to that. */
export class Guest implements AsyncDisposable {
  readonly description: GuestDescription;
  readonly control: ControlClient;
  readonly #log: KernelLog;

  private constructor(description: GuestDescription, control: ControlClient) {
    this.description = description;
    this.control = control;
    this.#log = new KernelLog(description.consoleFile, statSync(description.consoleFile).size);
  }

  /** What the kernel said before belongs to somebody else. */
  static async connect(description: GuestDescription): Promise<Guest> {
    return new Guest(description, await ControlClient.connect(description.ports.control));
  }

  get name(): string {
    return this.description.name;
  }

  /** Runs a command to its end, whatever that is. */
  exec(
    argv: readonly string[],
    options: { timeoutMs?: number; stdin?: string; env?: Command['env'] } = {},
  ): Promise<ExecResult> {
    const { timeoutMs = EXEC_DEADLINE_MS, stdin, env } = options;
    const params = {
      argv,
      timeoutMs,
      ...(stdin === undefined ? {} : { stdin }),
      ...(env === undefined ? {} : { env }),
    };
    return this.control.call('exec', params, timeoutMs);
  }

  /**
   * Runs a shell command that has to succeed; returns what it printed.
   * @throws Error with what it said when it does not.
   */
  async shell(script: string): Promise<string> {
    const { code, signal, stdout, stderr } = await this.exec(['sh', '-c', script]);
    if (code !== 0)
      throw new Error(`${this.name}: ${script}: ended with ${signal ?? code}: ${stderr}${stdout}`);
    return stdout;
  }

  async read(path: string): Promise<string> {
    return (await this.control.call('readFile', { path })).toString('utf8');
  }

  async write(path: string, data: string, mode?: number): Promise<void> {
    await this.control.call('writeFile', { path, data, ...(mode === undefined ? {} : { mode }) });
  }

  /**
   * What the kernel has complained of since this was last asked. A taint stays for ever, so it counts as often as it
   * is seen: after a warning no test of this guest passes.
   */
  async complaints(): Promise<string[]> {
    const tainted = Number(await this.read('/proc/sys/kernel/tainted'));
    const complaints = complaintsIn(await this.#log.news());
    return [...complaints, ...taintsOf(tainted)];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.control[Symbol.asyncDispose]();
  }
}
