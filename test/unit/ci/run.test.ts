import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { TemporaryFolder } from '../operator/support/temporary-folder.ts';

/** `.ci/run` itself, in a folder where npm and what else it calls are programs of the test. */

const RUN = join(import.meta.dirname, '../../../.ci/run');
/** coreutils sends the signal and says so, as it does in earnest after the minutes of a suite. */
const STOPPED_BY_TERM = 'exec -a timeout /usr/bin/timeout --verbose 0.1 sleep 600';
/** Nobody heeds CONT, so that the command surely lives until it is killed. */
const STOPPED_BY_KILL =
  'exec -a timeout /usr/bin/timeout --verbose --signal=CONT --kill-after=0.1 0.1 sleep 600';

let folder: TemporaryFolder;

beforeEach(async () => {
  folder = await TemporaryFolder.create();
  await mkdir(join(folder.path, '.ci'));
  await mkdir(join(folder.path, 'bin'));
  await copyFile(RUN, join(folder.path, '.ci/run'));
  await program('timeout', 'while [ "$1" != npm ]; do shift; done; exec "$@"');
  await program('dpkg-query', 'echo install ok installed');
});

afterEach(() => folder[Symbol.asyncDispose]());

const program = (name: string, body: string): Promise<void> =>
  writeFile(join(folder.path, 'bin', name), `#!/usr/bin/env bash\n${body}\n`, { mode: 0o755 });

/** Runs it; `suites` holds what the npm script of a name does, all others pass one test. */
async function run(
  suites: Readonly<Record<string, string>> = {},
): Promise<{ code: number; lines: string[] }> {
  const cases = Object.entries(suites).map(([name, body]) => `${name}) ${body} ;;`);
  await program('npm', ['case "$2" in', ...cases, "*) echo '1 passed, 0 failed' ;;", 'esac'].join('\n'));
  const env = { ...process.env, PATH: `${join(folder.path, 'bin')}:${process.env['PATH']}` };
  const child = spawn(join(folder.path, '.ci/run'), { env, stdio: ['ignore', 'pipe', 'inherit'] });
  const [said, [code]] = await Promise.all([text(child.stdout), once(child, 'close')]);
  return { code: code as number, lines: said.trimEnd().split('\n') };
}

const suitesOf = (lines: readonly string[]): string[] =>
  lines.filter((line) => line.includes(': ended with status'));

describe('.ci/run', () => {
  test('sums up what its suites count, and passes when all do', async () => {
    const { code, lines } = await run({ lint: "echo '7 passed, 0 failed, 2 skipped'" });
    const suites = suitesOf(lines).length;
    expect(suites).toBeGreaterThan(5);
    expect([code, lines.at(-1)]).toEqual([0, `${suites - 1 + 7} passed, 0 failed, 2 skipped`]);
    // Counts of suites are indented, so that whoever looks for the sum finds one line.
    expect(lines.filter((line) => /^[0-9]+ passed/.test(line))).toHaveLength(1);
  });

  test.each([
    ['counts a failure', "echo '3 passed, 1 failed'; exit 1", '3 passed, 1 failed'],
    ['ends badly, whatever it counted', "echo '3 passed, 0 failed'; exit 7", '3 passed, 1 failed'],
    ['ends badly before it counted', 'exit 7', '0 passed, 1 failed'],
    ['is killed by somebody else', 'kill -KILL $$', '0 passed, 1 failed'],
  ])('fails, and runs the others too, when one %s', async (_name, body, counted) => {
    const { code, lines } = await run({ test: body });
    const others = suitesOf(lines).length - 1;
    const [passed, failed] = counted.split(/\D+/).map(Number);
    expect([code, lines.at(-1)]).toEqual([1, `${others + (passed ?? 0)} passed, ${failed} failed`]);
    expect(lines.filter((line) => line.includes('stopped after'))).toEqual([]);
  });

  test.each([
    ['that ends when told to', STOPPED_BY_TERM, 124],
    ['that has to be killed', STOPPED_BY_KILL, 137],
  ])('says of a suite %s that its time was up', async (_name, lint, status) => {
    const { code, lines } = await run({ lint });
    expect(lines).toContain('lint: stopped after 5 minutes');
    expect(lines).toContain(`== lint: ended with status ${status}`);
    expect([code, lines.at(-1)]).toEqual([1, expect.stringMatching(/ passed, 1 failed$/)]);
  });

  test('gives every suite its minutes, and somewhat more to end', async () => {
    await program(
      'timeout',
      'echo "given $*"; echo "words of $LC_ALL"; while [ "$1" != npm ]; do shift; done; exec "$@"',
    );
    const { lines } = await run();
    const given = lines.filter((line) => line.startsWith('given '));
    expect(given).toHaveLength(suitesOf(lines).length);
    // What it says when time is up is looked for.
    expect(lines.filter((line) => line === 'words of C')).toHaveLength(given.length);
    for (const line of given)
      expect(line).toMatch(/^given --verbose --kill-after=\d+ [1-9]\d*m npm run \S+$/);
  });

  test('fails when what a suite needs cannot be installed, without running it', async () => {
    await program('dpkg-query', 'exit 1');
    await program('apt-get', 'exit 100');
    const { code, lines } = await run({ 'test:native': 'echo it runs' });
    expect(lines).not.toContain('it runs');
    expect(lines).toContain('== test:native: ended with status 100');
    expect(code).toBe(1);
  });
});
