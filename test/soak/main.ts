/**
 * Moves sets back and forth for a long time under random faults: `npm run test:soak -- --minutes 10 --seed 1`. Nothing may
 * be lost, every process must have as many descriptors open at the end as at the start, and none may grow: see
 * docs/soak.md.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { bootGuests } from '../kernel/rig/boot.ts';
import { GUESTS_VARIABLE } from '../kernel/rig/guests.ts';
import { projectRoot } from '../support/processes.ts';
import { soakEmulated } from './emulated.ts';
import { soakGuests } from './guests/soak.ts';
import { PARTS, readOptions, type Part } from './options.ts';
import { report, type Report } from './report.ts';
import type { SoakResult } from './watched.ts';

const options = readOptions(process.argv.slice(2), Math.floor(Math.random() * 2 ** 32));
const readings = await mkdtemp(join(tmpdir(), 'ts-soak-'));
// Operator and agents inherit it; this process does not load it any more.
const preload = pathToFileURL(join(projectRoot, 'test', 'soak', 'forced-gc.mjs')).href;
process.env['NODE_OPTIONS'] = `${process.env['NODE_OPTIONS'] ?? ''} --import=${preload}`.trim();
process.env['TRANSSHIP_SOAK_READINGS'] = readings;

const say = (line: string): void => void process.stdout.write(`${line}\n`);
const run: Readonly<Record<Part, () => Promise<SoakResult>>> = {
  emulated: () => soakEmulated(options, readings, (line) => say(`emulated: ${line}`)),
  guests: () => soakGuests(options, (line) => say(`guests: ${line}`)),
};

/**
 * Before anything else runs, since a guest that boots on a busy machine misjudges the speed of its clock. Null where the
 * environment names running ones (test/kernel/rig/hold.ts).
 */
async function guestsFor(parts: readonly Part[]): Promise<AsyncDisposable | null> {
  if (!parts.includes('guests') || process.env[GUESTS_VARIABLE] !== undefined) return null;
  const booted = await bootGuests();
  process.env[GUESTS_VARIABLE] = JSON.stringify(booted.descriptions);
  return booted;
}

/** A part that could not be run to its end counts as one failure. */
async function reportOf(part: Part): Promise<Report> {
  try {
    return report(await run[part]());
  } catch (error) {
    const why = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return { lines: [`WRONG  it could not go on: ${why}`], passed: 0, failed: 1 };
  }
}

try {
  const { minutes, seed, only } = options;
  const parts = only === undefined ? PARTS : [only];
  say(`${minutes} minutes, --seed ${seed}${only === undefined ? '' : ` --only ${only}`}`);
  await using _guests = await guestsFor(parts);
  const reports = await Promise.all(parts.map(reportOf));
  for (const [index, part] of parts.entries()) {
    say(`${part}:`);
    for (const line of reports[index]?.lines ?? []) say(line);
  }
  const sum = (count: 'passed' | 'failed'): number => reports.reduce((total, one) => total + one[count], 0);
  say(`${sum('passed')} passed, ${sum('failed')} failed`);
  process.exitCode = sum('failed') === 0 ? 0 : 1;
} finally {
  await rm(readings, { recursive: true, force: true });
}
