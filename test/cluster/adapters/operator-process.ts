import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const PROGRAM = join(import.meta.dirname, '..', '..', '..', 'operator', 'dist', 'main.js');

/** One line of its log. */
interface LogLine {
  readonly msg: string;
  readonly instance: string;
  readonly healthPort?: number;
}

/** A real operator, as the chart starts it; it dies with the test process. */
export class OperatorProcess implements AsyncDisposable {
  readonly lines: LogLine[] = [];
  readonly #process: ChildProcess;

  /** @param tls a file that holds nothing of use: no agent is ever connected to */
  constructor(kubeconfig: string, tls: string) {
    const flags = [
      '--kubeconfig',
      kubeconfig,
      '--leader-election-namespace',
      'default',
      '--health-port',
      '0',
    ];
    const files = ['--tls-cert', tls, '--tls-key', tls, '--tls-ca', tls, '--health-host', '127.0.0.1'];
    const args = ['--pdeathsig', 'KILL', '--', process.execPath, PROGRAM, ...flags, ...files];
    this.#process = spawn('setpriv', args, { stdio: ['ignore', 'pipe', 'inherit'] });
    createInterface(this.#process.stdout!).on('line', (line) => this.lines.push(JSON.parse(line) as LogLine));
  }

  /** Its instance, once it has said anything. */
  get instance(): string {
    return this.lines[0]?.instance ?? '';
  }

  said(message: string): boolean {
    return this.lines.some(({ msg }) => msg === message);
  }

  /** Status of a page of its health server; 0 while there is none. */
  async health(page: string): Promise<number> {
    const port = this.lines.find(({ healthPort }) => healthPort !== undefined)?.healthPort;
    if (port === undefined) return 0;
    return (await fetch(`http://127.0.0.1:${port}${page}`, { signal: AbortSignal.timeout(60_000) })).status;
  }

  signal(name: 'SIGSTOP' | 'SIGCONT' | 'SIGTERM'): void {
    this.#process.kill(name);
  }

  /** Exit code, or the signal that ended it. */
  async ended(): Promise<number | string> {
    const running = () => this.#process.exitCode === null && this.#process.signalCode === null;
    if (running()) await once(this.#process, 'exit', { signal: AbortSignal.timeout(120_000) });
    return this.#process.exitCode ?? this.#process.signalCode ?? '';
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.kill('SIGKILL');
    await this.ended();
  }
}
