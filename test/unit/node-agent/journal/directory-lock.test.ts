import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { DirectoryLock } from '@transship/node-agent/internal/journal/directory-lock';

let directory: string;

beforeEach(async () => {
  directory = join(await mkdtemp(join(tmpdir(), 'transship-lock-')), 'state');
});

afterEach(() => rm(join(directory, '..'), { recursive: true, force: true }));

const HELD = expect.objectContaining({ name: 'DirectoryHeldError' });

/** A process that took the lock and was killed, so that it could clear nothing away. */
async function leftByTheDead(): Promise<void> {
  await mkdir(directory);
  const script = `require('node:net').createServer().listen('${join(directory, 'agent.lock')}', () => console.log())`;
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  child.kill('SIGKILL');
  await once(child, 'exit');
}

describe('a state directory', () => {
  test('is of one agent at a time', async () => {
    const lock = await DirectoryLock.take(directory);
    await expect(DirectoryLock.take(directory)).rejects.toEqual(HELD);
    await lock.release();
    const next = await DirectoryLock.take(directory);
    await expect(DirectoryLock.take(directory)).rejects.toEqual(HELD);
    await next.release();
    expect(await readdir(directory)).toEqual([]);
  });

  test('is taken over from an agent that was killed', async () => {
    await leftByTheDead();
    expect(await readdir(directory)).toEqual(['agent.lock']);
    const lock = await DirectoryLock.take(directory);
    await expect(DirectoryLock.take(directory)).rejects.toEqual(HELD);
    await lock.release();
  });

  test('of a dead agent goes to one of several that want it at once', async () => {
    await leftByTheDead();
    const taken = await Promise.allSettled(Array.from({ length: 8 }, () => DirectoryLock.take(directory)));
    const locks = taken.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
    expect(locks).toHaveLength(1);
    expect(await readdir(directory)).toEqual(['agent.lock']);
    await locks[0]?.release();
  });

  test('may have a long path', async () => {
    const long = join(directory, 'a'.repeat(120), 'b'.repeat(120));
    const lock = await DirectoryLock.take(long);
    await expect(DirectoryLock.take(long)).rejects.toEqual(HELD);
    await lock.release();
  });
});
