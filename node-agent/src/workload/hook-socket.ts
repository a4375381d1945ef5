import { closeSync, constants, fstatSync, openSync, statSync } from 'node:fs';
import { connect } from 'node:net';
import { dirname } from 'node:path';
import { WorkloadHookError } from './hook-error.ts';

/** open(2): the file itself, not what it stands for; Linux only, so Node does not name it. */
const O_PATH = 0o10000000;

/** Where the hook of a workload is, and whose it is. */
export interface HookAddress {
  readonly socketPath: string;
  /** User of the workload; null when it is not known: the owner of the socket's folder. */
  readonly uid: number | null;
}

/** The socket that was looked at, and no other, however its path is changed meanwhile. */
export interface HookSocket {
  /** What to connect to, until close(). */
  readonly path: string;
  /** May be called again. */
  close(): void;
}

/**
 * Opens the socket file of a hook and checks whose it is: a workload could put a link to another workload's hook in the
 * place of its own, and have that frozen, read or loaded. Neither a symbolic link nor the file of another user is taken;
 * the superuser's is, who could do all of it anyway. The file is the one that bind(2) made, so its owner is whoever made
 * the hook; to whom that process hands the listening descriptor is its own affair.
 * @throws WorkloadHookError: UNAVAILABLE when there is no file, PERMISSION_DENIED when it is not the workload's.
 */
export function openHookSocket({ socketPath, uid }: HookAddress): HookSocket {
  let fd: number | null = openFile(socketPath);
  const close = (): void => {
    if (fd !== null) closeSync(fd);
    fd = null;
  };
  try {
    const file = fstatSync(fd);
    if (file.isSymbolicLink())
      throw refused(socketPath, 'it is a symbolic link; the workload makes the socket itself');
    if (!file.isSocket()) throw refused(socketPath, 'it is not a socket');
    const owner = uid ?? statSync(dirname(socketPath)).uid;
    if (file.uid !== owner && file.uid !== 0) {
      const whose =
        uid === null
          ? `its folder to ${owner} (name the uid of the workload in the devices file)`
          : `the workload is ${owner}`;
      throw refused(socketPath, `it belongs to uid ${file.uid}, ${whose}`);
    }
    return { path: `/proc/self/fd/${fd}`, close };
  } catch (error) {
    close();
    throw error;
  }
}

/**
 * Whether nobody serves the hook: there is no socket, or it refuses. A process that is stopped or busy still serves it,
 * and a file that is not the workload's says nothing.
 */
export async function isUnserved(address: HookAddress): Promise<boolean> {
  let socket: HookSocket;
  try {
    socket = openHookSocket(address);
  } catch (error) {
    return (error as Partial<WorkloadHookError>).status === 'UNAVAILABLE';
  }
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const connection = connect(socket.path);
  connection.once('connect', () => resolve(false));
  connection.once('error', ({ code }: NodeJS.ErrnoException) => resolve(code === 'ECONNREFUSED'));
  try {
    return await promise;
  } finally {
    connection.destroy();
    socket.close();
  }
}

function openFile(socketPath: string): number {
  try {
    return openSync(socketPath, O_PATH | constants.O_NOFOLLOW);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') {
      const why = `the workload hook at ${socketPath}: UNAVAILABLE: nobody serves this socket; is the workload running, and is its hook configured?`;
      throw new WorkloadHookError('UNAVAILABLE', why, error);
    }
    throw refused(socketPath, message);
  }
}

const refused = (socketPath: string, why: string): WorkloadHookError =>
  new WorkloadHookError('PERMISSION_DENIED', `the workload hook at ${socketPath} is not used: ${why}`, null);
