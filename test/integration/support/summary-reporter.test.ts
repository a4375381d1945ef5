import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const jestBin = createRequire(import.meta.url).resolve('jest/bin/jest');
const reporter = join(import.meta.dirname, '../../support/summary-reporter.ts');

let project: string;

beforeEach(async () => {
  project = await mkdtemp(join(tmpdir(), 'transship-summary-'));
  const config = { testEnvironment: 'node', transform: {}, reporters: ['default', reporter] };
  await writeFile(join(project, 'package.json'), JSON.stringify({ jest: config }));
});

afterEach(async () => {
  await rm(project, { recursive: true });
});

/** Runs jest itself over one test file; resolves to what it printed last and how it ended. */
async function runJestOver(source: string): Promise<{ lastLine: string | undefined; status: number | null }> {
  await writeFile(join(project, 'one.test.js'), source);
  const { stdout, status } = spawnSync(process.execPath, [jestBin, '--rootDir', project], {
    cwd: project,
    encoding: 'utf8',
    timeout: 60_000,
  });
  return { lastLine: stdout.trimEnd().split('\n').at(-1), status };
}

describe('a jest run with the summary reporter', () => {
  test.each([
    ['passes', `test('a', () => {});`, '1 passed, 0 failed', 0],
    [
      'fails one of two',
      `test('a', () => {}); test('b', () => { throw new Error(); });`,
      '1 passed, 1 failed',
      1,
    ],
    ['cannot load its file', `syntax error`, '0 passed, 1 failed', 1],
    ['skips everything', `xtest('a', () => {});`, '0 passed, 0 failed, 1 skipped', 1],
  ])('that %s ends with the count and the exit status', async (_what, source, lastLine, status) => {
    expect(await runJestOver(source)).toEqual({ lastLine, status });
  });
});
