import { randomUUID } from 'node:crypto';
import { link, mkdir, open, rename, unlink } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import type { Server } from 'node:net';
import { join } from 'node:path';

/** Another agent works on this directory. */
export class DirectoryHeldError extends Error {
  override readonly name = 'DirectoryHeldError';

  constructor(directory: string) {
    super(`another agent uses ${directory}; give each its own --state-dir`);
  }
}

const NAME = 'agent.lock';
/** Each of them ends with another agent's lock, or with one that is cleared away. */
const TRIES = 5;

/**
 * Holds a state directory for this process: two agents on one journal would each undo what the other has promised. The
 * lock is a Unix socket in the directory. Whoever listens on it is alive; that of a dead process refuses connections and
 * is cleared away. So it works between containers, which share neither process ids nor network.
 */
export class DirectoryLock {
  readonly #server: Server;
  readonly #path: string;

  private constructor(server: Server, path: string) {
    this.#server = server;
    this.#path = path;
  }

  /** @throws DirectoryHeldError */
  static async take(directory: string): Promise<DirectoryLock> {
    await mkdir(directory, { recursive: true });
    const own = `agent-${randomUUID()}.lock`;
    const lock = new DirectoryLock(await listen(directory, own), join(directory, NAME));
    try {
      for (let tries = 0; tries < TRIES; tries += 1) {
        if (await lock.#link(join(directory, own))) return lock;
        await clearDead(directory);
      }
      throw new DirectoryHeldError(directory);
    } catch (error) {
      lock.#server.close();
      throw error;
    } finally {
      await unlink(join(directory, own)).catch(ignoreMissing);
    }
  }

  /** Another process may take the directory from now on. */
  async release(): Promise<void> {
    await unlink(this.#path).catch(ignoreMissing);
    await new Promise<void>((resolve) => void this.#server.close(() => resolve()));
  }

  /** False when there is a lock already; a link is made by one process alone. */
  async #link(own: string): Promise<boolean> {
    try {
      await link(own, this.#path);
      return true;
    } catch (error) {
      if (codeOf(error) === 'EEXIST') return false;
      throw error;
    }
  }
}

/** Takes the lock of a dead process out of the way. @throws DirectoryHeldError when its process lives. */
async function clearDead(directory: string): Promise<void> {
  const path = join(directory, NAME);
  if (await answers(directory, NAME)) throw new DirectoryHeldError(directory);
  const aside = `agent-${randomUUID()}.dead`;
  await rename(path, join(directory, aside)).catch(ignoreMissing);
  // Another process may have cleared it away first, and put its own there.
  const isAlive = await answers(directory, aside);
  if (isAlive) await link(join(directory, aside), path).catch(() => undefined);
  await unlink(join(directory, aside)).catch(ignoreMissing);
  if (isAlive) throw new DirectoryHeldError(directory);
}

/** Runs with a path to the socket that is short enough, however long that of the directory is: 107 characters. */
async function withShortPath<T>(
  directory: string,
  name: string,
  use: (path: string) => Promise<T>,
): Promise<T> {
  const folder = await open(directory, 'r');
  try {
    return await use(`/proc/self/fd/${folder.fd}/${name}`);
  } finally {
    await folder.close();
  }
}

function listen(directory: string, name: string): Promise<Server> {
  return withShortPath(directory, name, async (path) => {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const server = createServer((socket) => socket.destroy());
    server.once('error', reject);
    server.listen({ path, readableAll: false, writableAll: false }, resolve);
    await promise;
    server.removeListener('error', reject);
    // It keeps no process alive.
    server.unref();
    return server;
  });
}

function answers(directory: string, name: string): Promise<boolean> {
  return withShortPath(directory, name, async (path) => {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const socket = connect(path, () => resolve(true));
    // EAGAIN: its queue is full, so somebody listens.
    socket.once('error', (error) => resolve(codeOf(error) === 'EAGAIN'));
    const isAlive = await promise;
    socket.destroy();
    return isAlive;
  });
}

const codeOf = (error: unknown): string => (error as { code?: string }).code ?? '';

function ignoreMissing(error: unknown): void {
  if (codeOf(error) !== 'ENOENT') throw error;
}
