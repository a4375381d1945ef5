import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { RunResult, TestResult } from './judge.ts';

/** What main.ts and this file stand in. */
export const ROOT = join(import.meta.dirname, '../..');

const NODE_OPTIONS = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning'];
const JEST = join(ROOT, 'node_modules/jest/bin/jest.js');
const CONFIG = fileURLToPath(import.meta.resolve('./jest.config.js'));

/** jest's --json, as far as it is read. */
interface Report {
  readonly testResults: readonly {
    readonly name: string;
    readonly message: string;
    readonly assertionResults: readonly TestResult[];
  }[];
}

export interface JestOptions {
  readonly files: readonly string[];
  /** Runs only tests of this name. */
  readonly name?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
}

/** Runs jest in a process of its own, on the mutant build; results by file. Never rejects because of a test. */
export async function runJest(options: JestOptions): Promise<ReadonlyMap<string, RunResult>> {
  const directory = await mkdtemp(join(tmpdir(), 'ts-mutants-'));
  try {
    const output = join(directory, 'results.json');
    const trouble = await start(options, output);
    const report = await readReport(output);
    const entries = options.files.map((file) => [file, resultOf(file, report, trouble)] as const);
    return new Map(entries);
  } finally {
    await rm(directory, { recursive: true });
  }
}

/** null when jest ended by itself, with whatever result. */
function start({ files, name, env, timeoutMs }: JestOptions, output: string): Promise<string | null> {
  const { promise, resolve } = Promise.withResolvers<string | null>();
  const args = ['--config', CONFIG, '--json', '--outputFile', output];
  if (name !== undefined) args.push('--testNamePattern', name);
  if (files.length === 1) args.push('--runInBand');
  const child = spawn(
    process.execPath,
    [...NODE_OPTIONS, JEST, ...args, '--forceExit', '--runTestsByPath', ...files],
    {
      cwd: ROOT,
      env: { ...process.env, TRANSSHIP_NATIVE_VARIANT: 'mutants', ...env },
      stdio: 'ignore',
      timeout: timeoutMs,
      killSignal: 'SIGKILL',
    },
  );
  child.once('error', (error) => resolve(error.message));
  child.once('exit', (_, signal) =>
    resolve(signal === null ? null : `jest was ended by ${signal} after ${timeoutMs} ms`),
  );
  return promise;
}

async function readReport(path: string): Promise<Report | null> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as Report;
  } catch {
    return null;
  }
}

function resultOf(file: string, report: Report | null, trouble: string | null): RunResult {
  if (trouble !== null || report === null) return { tests: [], broken: trouble ?? 'jest left no results' };
  const found = report.testResults.find(({ name }) => relative(ROOT, name) === file);
  if (found === undefined) return { tests: [], broken: `jest did not run ${file}` };
  const { assertionResults: tests, message } = found;
  return tests.length === 0
    ? { tests, broken: `no test ran: ${message.trim().slice(0, 300)}` }
    : { tests, broken: null };
}
