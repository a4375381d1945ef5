import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { nodeFileSystem } from '@transship/node-agent/internal/journal/file-system';
import { Journal } from '@transship/node-agent/internal/journal/journal';
import { sleep, systemClock } from '@transship/node-agent/internal/clock';
import { Child } from '../../operator/support/child.ts';
import { aSession } from '../support/sessions.ts';

const KILLS = 8;
const NEVER = new AbortController().signal;

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'ts-killed-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const open = (): Journal => new Journal(nodeFileSystem, directory, () => new Date());

/** Writes sessions of one migration from `first` on, and says of each that it is durable; as long as it lives. */
const writer = (first: number): string => `
  import { nodeFileSystem } from '@transship/node-agent/internal/journal/file-system';
  import { Journal } from '@transship/node-agent/internal/journal/journal';
  const journal = new Journal(nodeFileSystem, ${JSON.stringify(directory)}, () => new Date());
  await journal.load();
  const session = ${JSON.stringify(aSession())};
  for (let sequence = ${first}; ; sequence += 1) {
    // Records grow and shrink, so that an old one shows through a new one that is torn.
    const ticket = 'x'.repeat((sequence * 7919) % 4000);
    await journal.write({ ...session, sequence, ticket });
    console.log(String(sequence));
  }
`;

/** Where in the writing it strikes differs from kill to kill, and is the same from run to run but for the machine. */
const pauseMs = (kill: number): number => (kill * 37) % 11;

test('an agent that is killed by SIGKILL while it writes has lost nothing that it told', async () => {
  let first = 1;
  for (let kill = 0; kill < KILLS; kill += 1) {
    await using child = new Child(writer(first));
    await child.expectLine(String(first + (kill % 5)));
    await sleep(systemClock, pauseMs(kill), NEVER);
    await child.kill();
    const told = Number(child.said.at(-1));
    const { records, refused } = await open().load();
    expect({ kill, refused }).toEqual({ kill, refused: [] });
    const [found] = records.map(({ session }) => session.sequence);
    // More may have been written, of which nobody was told.
    expect(told).toBeGreaterThanOrEqual(first);
    expect(found).toBeGreaterThanOrEqual(told);
    first = (found ?? 0) + 1;
  }
});
