import { afterEach, expect, jest, test } from '@jest/globals';
import { closeSync, constants, openSync } from 'node:fs';
import { mkdtemp, rename, rm } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import type { Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HookFreezer } from '@transship/node-agent/internal/workload/hook-freezer';

/** open(2): the file itself, so that a descriptor of it can be connected to. */
const O_PATH = 0o10000000;
/** A refused call would be tried again after a second, and ever later. */
const AN_HOUR_MS = 60 * 60_000;

const folders: string[] = [];
const servers: Server[] = [];
const descriptors: number[] = [];

afterEach(async () => {
  jest.useRealTimers();
  for (const fd of descriptors.splice(0)) closeSync(fd);
  for (const server of servers.splice(0)) server.close();
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
});

async function listening(path: string): Promise<Server> {
  const server = createServer((connection) => connection.destroy());
  await new Promise<void>((resolve) => server.listen(path, resolve));
  return server;
}

/** A socket file that nobody listens at any more. */
async function deserted(path: string): Promise<void> {
  const server = await listening(`${path}.first`);
  // Closing removes the file where it was bound.
  await rename(`${path}.first`, path);
  await new Promise((resolve) => server.close(resolve));
}

test('a call that was refused connects to nothing afterwards, whatever took the number of its descriptor', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'ts-hook-'));
  folders.push(folder);
  const [socketPath, otherPath] = [join(folder, 'hook.sock'), join(folder, 'other.sock')];
  await deserted(socketPath);
  const other = await listening(otherPath);
  servers.push(other);
  let connections = 0;
  other.on('connection', () => {
    connections += 1;
  });
  jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask', 'hrtime', 'performance'] });
  const held = () => Promise.resolve({ kind: 'unknown', why: 'nobody was asked' } as const);
  await expect(new HookFreezer({ socketPath, held }).freeze('uid-1')).rejects.toThrow('UNAVAILABLE');
  for (let count = 0; count < 32; count += 1)
    descriptors.push(openSync(otherPath, O_PATH | constants.O_NOFOLLOW));

  await jest.advanceTimersByTimeAsync(AN_HOUR_MS);
  // Connections are taken in their order, so this one comes after any that was made by then.
  const last = connect(otherPath);
  await new Promise((resolve) => last.once('close', resolve));
  expect(connections).toBe(1);
});
