import type { Ended } from '../protocol.ts';
import { eventually } from '../../support/managed-process.ts';
import type { Guest } from '../rig/guest.ts';

const PATIENCE_MS = 300_000;

/** A program that runs in a guest, with its output in a file there. */
export class GuestProcess {
  readonly pid: number;
  readonly logFile: string;
  readonly #guest: Guest;

  private constructor(guest: Guest, pid: number, logFile: string) {
    this.#guest = guest;
    this.pid = pid;
    this.logFile = logFile;
  }

  static async start(
    guest: Guest,
    argv: readonly string[],
    logFile: string,
    env: Readonly<Record<string, string>> = {},
  ): Promise<GuestProcess> {
    const { pid } = await guest.control.call('spawn', { argv, env, logFile });
    return new GuestProcess(guest, pid, logFile);
  }

  /**
   * Waits for a line of its output; `from` skips what was written before, bytes.
   * @throws with the log when the process ends first.
   */
  async untilLine(pattern: string, from = 0): Promise<string> {
    const { control } = this.#guest;
    const waiting = { path: this.logFile, pattern, timeoutMs: PATIENCE_MS, offset: from };
    const line = control.call('waitForLine', waiting, PATIENCE_MS);
    const ended = control.call('wait', { pid: this.pid, timeoutMs: PATIENCE_MS }, PATIENCE_MS);
    const first = await Promise.race([line, ended]);
    if (typeof first === 'string') return first;
    throw new Error(`process ${this.pid} of ${this.#guest.name} ended: ${await this.log()}`);
  }

  /**
   * Waits until it listens on a Unix socket.
   * @throws with the log when the process ends first.
   */
  async untilSocket(path: string): Promise<void> {
    await eventually(`${path} of ${this.#guest.name}`, PATIENCE_MS, async () => {
      if ((await this.#guest.exec(['test', '-S', path])).code === 0) return true;
      const ended = await this.#guest.control.call('wait', { pid: this.pid, timeoutMs: 1 });
      if (ended !== null) throw new Error(`process ${this.pid} ended: ${await this.log()}`);
      return null;
    });
  }

  log(): Promise<string> {
    return this.#guest.read(this.logFile);
  }

  /** Its log is so long now, bytes. */
  async logLength(): Promise<number> {
    return (await this.#guest.control.call('readFile', { path: this.logFile })).length;
  }

  /** Sends the signal and waits for the end; a process that has ended already is no error. */
  async end(signal: 'SIGTERM' | 'SIGKILL' = 'SIGKILL'): Promise<Ended> {
    const { control } = this.#guest;
    await control.call('kill', { pid: this.pid, signal }).catch(() => undefined);
    const ended = await control.call('wait', { pid: this.pid, timeoutMs: PATIENCE_MS }, PATIENCE_MS);
    if (ended === null) throw new Error(`process ${this.pid} of ${this.#guest.name} survived ${signal}`);
    return ended;
  }
}
