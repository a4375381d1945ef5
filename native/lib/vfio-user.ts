import { checkRange } from './arguments.ts';
import type { NativeDevice } from './device.ts';
import { invalidArgument } from './errors.ts';
import { openDevice } from './open.ts';

export interface OpenOptions {
  /** For connecting and the first exchange together, in milliseconds. @default 5000 */
  readonly timeoutMs?: number;
  /** Maps the data section of a v1 device where it offers that. @default true */
  readonly mmap?: boolean;
  /** Keeps data accesses below the negotiated size, in bytes, so that tests see many of them. */
  readonly maxTransfer?: number;
}

/**
 * Opens a device that a vfio-user server offers on a Unix socket. The server serves one client at a time.
 * @throws {NativeError} TRANSSHIP_CONNECT_FAILED, TRANSSHIP_CONNECT_TIMEOUT, TRANSSHIP_NOT_MIGRATABLE,
 * TRANSSHIP_BAD_REGION_INFO, TRANSSHIP_PROTOCOL_VIOLATION, TRANSSHIP_VERSION_UNSUPPORTED.
 */
export async function openVfioUser(socketPath: string, options: OpenOptions = {}): Promise<NativeDevice> {
  const { timeoutMs = 5000, mmap = true, maxTransfer = 0 } = options;
  const operation = 'openVfioUser';
  if (socketPath === '' || socketPath.includes('\0')) {
    throw invalidArgument(socketPath, operation, 'a socket path is not empty and has no NUL');
  }
  checkRange(socketPath, operation, 'timeoutMs', timeoutMs, 1, 2 ** 31 - 1);
  checkRange(socketPath, operation, 'maxTransfer', maxTransfer, 0, 2 ** 31 - 1);
  return openDevice(socketPath, operation, {
    door: 'vfio-user',
    path: socketPath,
    timeoutMs,
    mmap,
    maxTransfer,
  });
}
