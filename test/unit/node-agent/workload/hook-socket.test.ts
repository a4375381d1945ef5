import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { chown, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import type { Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isUnserved, openHookSocket } from '@transship/node-agent/internal/workload/hook-socket';
import { HookFreezer } from '@transship/node-agent/internal/workload/hook-freezer';
import { HookServer } from '../support/hook-server.ts';

let folder: string;
const servers: Server[] = [];
const me = process.getuid?.() ?? 0;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ts-hook-'));
});
afterEach(async () => {
  for (const server of servers.splice(0)) server.close();
  await rm(folder, { recursive: true, force: true });
});

async function listening(name: string): Promise<string> {
  const path = join(folder, name);
  const server = createServer();
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(path, resolve));
  return path;
}

const refusal = { status: 'PERMISSION_DENIED' };

describe('the socket of a hook', () => {
  test('that is the workload’s is used, with and without its uid', async () => {
    const socketPath = await listening('hook.sock');
    for (const uid of [null, me]) {
      const socket = openHookSocket({ socketPath, uid });
      expect(socket.path).toMatch(/^\/proc\/self\/fd\/\d+$/);
      socket.close();
      socket.close();
    }
  });

  test('is not used when it is a link, wherever it leads', async () => {
    const other = await listening('other.sock');
    const socketPath = join(folder, 'hook.sock');
    await symlink(other, socketPath);
    expect(() => openHookSocket({ socketPath, uid: me })).toThrow(expect.objectContaining(refusal));
    const hook = new HookFreezer({ socketPath });
    await expect(hook.freeze('uid-1')).rejects.toThrow('it is a symbolic link');
    expect(await hook.state()).toBe('unknown');
    // It says nothing of the workload either: that has not ended.
    expect(await isUnserved({ socketPath, uid: me })).toBe(false);
    await expect(hook.discard()).rejects.toThrow('it is a symbolic link');
  });

  test('is not used when another user made it', async () => {
    const socketPath = await listening('hook.sock');
    // Only the superuser can play another user; anybody else is one himself.
    const owner = me === 0 ? 4711 : me;
    if (me === 0) await chown(socketPath, owner, -1);
    const openAs = (uid: number | null) => () => openHookSocket({ socketPath, uid }).close();
    expect(openAs(owner)).not.toThrow();
    expect(openAs(owner + 1)).toThrow(expect.objectContaining(refusal));
  });

  (me === 0 ? test : test.skip)(
    'in a folder of yet another user needs its uid in the devices file',
    async () => {
      const socketPath = await listening('hook.sock');
      await chown(socketPath, 4711, -1);
      expect(() => openHookSocket({ socketPath, uid: null })).toThrow('name the uid of the workload');
    },
  );

  test('is not used when it is no socket', async () => {
    const socketPath = join(folder, 'hook.sock');
    await writeFile(socketPath, '');
    expect(() => openHookSocket({ socketPath, uid: me })).toThrow(expect.objectContaining(refusal));
  });

  test('is the one that was looked at, whatever takes its place before the connection', async () => {
    const socketPath = await listening('hook.sock');
    const [first] = servers;
    const socket = openHookSocket({ socketPath, uid: null });
    await rename(await listening('other.sock'), socketPath);
    const connected = new Promise<string>((resolve) => {
      first?.once('connection', () => resolve('the first'));
      servers[1]?.once('connection', () => resolve('the other'));
    });
    const connection = connect(socket.path);
    expect(await connected).toBe('the first');
    connection.destroy();
    socket.close();
  });
});

describe('nobody serves a hook', () => {
  test('when there is no socket, or one that refuses', async () => {
    const socketPath = join(folder, 'hook.sock');
    expect(await isUnserved({ socketPath, uid: null })).toBe(true);
    const server = await HookServer.serving({});
    server.die();
    expect(await isUnserved({ socketPath: server.socketPath, uid: null })).toBe(true);
    await server.close();
  });

  test('but not while somebody listens', async () => {
    expect(await isUnserved({ socketPath: await listening('hook.sock'), uid: null })).toBe(false);
  });
});
