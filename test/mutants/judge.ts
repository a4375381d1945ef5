import { stripVTControlCharacters } from 'node:util';

/** One test of a run, as jest reports it. */
export interface TestResult {
  readonly fullName: string;
  readonly status: string;
  readonly failureMessages: readonly string[];
}

/** What became of the tests of one file. */
export interface RunResult {
  readonly tests: readonly TestResult[];
  /** Why nothing can be said of the tests: the file did not load, the run broke or took too long. */
  readonly broken: string | null;
}

/** Expectations of jest, and orders that the harness of the transitions calls a broken rule. */
const ASSERTION = /^(\w+: )?expect\(|^Error: V[12]-\d\d: /;
const TIMEOUT = /Exceeded timeout of|not within \d+ ms|is not ready|nothing came of it within/;

const RAN: ReadonlySet<string> = new Set(['passed', 'failed']);

/** Tests of the run that the name selects. */
export const selected = ({ tests }: RunResult, name: string): readonly TestResult[] =>
  tests.filter(({ status, fullName }) => RAN.has(status) && new RegExp(name).test(fullName));

/** Why the tests that a mutant is to turn red are not green without it; null when they are. */
export function notGreen(run: RunResult, name: string): string | null {
  if (run.broken !== null) return run.broken;
  const tests = selected(run, name);
  if (tests.length === 0) return 'no test has this name';
  const red = tests.find(({ status }) => status !== 'passed');
  return red === undefined ? null : `red without a mutant: ${red.fullName}: ${firstLine(red)}`;
}

/** Why a run with a mutant does not show that the tests noticed it; null when they did. */
export function notKilled(run: RunResult, name: string): string | null {
  if (run.broken !== null) return run.broken;
  const red = selected(run, name).filter(({ status }) => status === 'failed');
  if (red.length === 0) return 'survived: no test turned red';
  const late = red.find(({ failureMessages }) =>
    failureMessages.some((message) => TIMEOUT.test(plain(message))),
  );
  if (late !== undefined) return `red by a time limit, not by an expectation: ${firstLine(late)}`;
  // What comes behind an unmet expectation, in hooks, may be anything: the device may be gone by then.
  const noticed = red.some(({ failureMessages: [first = ''] }) => ASSERTION.test(plain(first)));
  return noticed ? null : `red, but not by an expectation: ${firstLine(red[0]!)}`;
}

const plain = (message: string): string => stripVTControlCharacters(message);

function firstLine({ failureMessages: [message = ''] }: TestResult): string {
  return plain(message).split('\n', 1)[0] ?? '';
}
