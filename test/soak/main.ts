/**
 * Moves a set back and forth for a long time under random faults: `npm run test:soak -- --minutes 10 --seed 1`. Nothing may
 * be lost, every process must have as many descriptors open at the end as at the start, and none may grow: see
 * docs/soak.md.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { projectRoot } from '../support/processes.ts';
import { readOptions } from './options.ts';
import { report } from './report.ts';
import { soak } from './soak.ts';

const options = readOptions(process.argv.slice(2), Math.floor(Math.random() * 2 ** 32));
const readings = await mkdtemp(join(tmpdir(), 'ts-soak-'));
// Operator and agents inherit it; this process does not load it any more.
const preload = pathToFileURL(join(projectRoot, 'test', 'soak', 'forced-gc.mjs')).href;
process.env['NODE_OPTIONS'] = `${process.env['NODE_OPTIONS'] ?? ''} --import=${preload}`.trim();
process.env['TRANSSHIP_SOAK_READINGS'] = readings;

const say = (line: string): void => void process.stdout.write(`${line}\n`);
try {
  say(`${options.minutes} minutes, --seed ${options.seed}`);
  const { lines, failed, passed } = report(await soak(options, readings, say));
  for (const line of lines) say(line);
  say(`${passed} passed, ${failed} failed`);
  process.exitCode = failed === 0 ? 0 : 1;
} finally {
  await rm(readings, { recursive: true, force: true });
}
