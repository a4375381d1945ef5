import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { OUTPUT_LIMIT } from '../protocol.ts';
import type { Ended, ExecResult } from '../protocol.ts';
import type { Handlers } from './control-server.ts';

/** Collects what a stream says, up to the limit. */
class Output {
  readonly #chunks: Buffer[] = [];
  #length = 0;

  add(chunk: Buffer): void {
    const taken = chunk.subarray(0, OUTPUT_LIMIT - this.#length);
    this.#chunks.push(taken);
    this.#length += taken.length;
  }

  toString(): string {
    return Buffer.concat(this.#chunks).toString('utf8');
  }
}

const ended = (child: ChildProcess): Promise<Ended> =>
  new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve({ code, signal }));
  });

/** Programs of the guest. */
export function processMethods(): Pick<Handlers, 'exec' | 'spawn' | 'kill' | 'wait'> {
  const spawned = new Map<number, Promise<Ended>>();
  return {
    async exec({ argv, env, timeoutMs, stdin = '' }): Promise<ExecResult> {
      const [program = '', ...args] = argv;
      const child = spawn(program, args, {
        env: { ...process.env, ...env },
        timeout: timeoutMs,
        killSignal: 'SIGKILL',
      });
      const stdout = new Output();
      const stderr = new Output();
      child.stdout.on('data', (chunk: Buffer) => stdout.add(chunk));
      child.stderr.on('data', (chunk: Buffer) => stderr.add(chunk));
      child.stdin.on('error', () => undefined);
      child.stdin.end(stdin);
      return { ...(await ended(child)), stdout: stdout.toString(), stderr: stderr.toString() };
    },

    async spawn({ argv, env, logFile }) {
      const [program = '', ...args] = argv;
      const log = openSync(logFile, 'a');
      const child = spawn(program, args, {
        env: { ...process.env, ...env },
        stdio: ['ignore', log, log],
      });
      closeSync(log);
      const end = ended(child);
      end.catch(() => undefined); // who waits for it is told
      await new Promise<void>((resolve, reject) => {
        child.once('spawn', resolve);
        child.once('error', reject);
      });
      const pid = child.pid ?? -1;
      spawned.set(pid, end);
      return { pid };
    },

    kill({ pid, signal }) {
      process.kill(pid, signal);
      return null;
    },

    async wait({ pid, timeoutMs }) {
      const end = spawned.get(pid);
      if (end === undefined) throw new RangeError(`process ${pid} was not started here`);
      const timer = new AbortController();
      try {
        return await Promise.race([end, delay(timeoutMs, null, { signal: timer.signal })]);
      } finally {
        timer.abort();
      }
    },
  };
}
