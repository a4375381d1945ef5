import { constants } from 'node:os';
import type { DeviceState } from './states.ts';

/**
 * Every code that a {@link NativeError} can have, with what it means and what helps. Codes are stable: compare
 * them, not classes or messages (errors of an addon are not `instanceof Error` in every realm).
 */
export const nativeErrorCodes = {
  TRANSSHIP_ACCESS_FAILED:
    'The device refused an access to a field or to data, with an errno. A stream that was open has ended there: ' +
    'leave SAVING and begin a new stream, or reset a device that was being loaded.',
  TRANSSHIP_ARC_REFUSED:
    'The device refused to change its state; `state` says where it is now. Try again, take another way, or roll back.',
  TRANSSHIP_BAD_REGION_INFO:
    'The device describes its regions in a way that contradicts itself. Its driver is at fault.',
  TRANSSHIP_CLOSED: 'close() was called before or during the operation.',
  TRANSSHIP_CONNECT_FAILED:
    'Nobody listens on the socket, or it cannot be reached. Check the path and its server.',
  TRANSSHIP_CONNECT_TIMEOUT:
    'The server of the device did not answer in time; it serves one client at a time. Close the other one or wait.',
  TRANSSHIP_CONNECTION_LOST:
    'The server of the device went away or stalled in the middle of a message. Open it again.',
  TRANSSHIP_DEVICE_BUSY:
    'Somebody else holds the device, its group or its cdev. Let them close it, or take the device from the broker that ' +
    'holds it.',
  TRANSSHIP_DEVICE_ERROR: 'The device is in its error state. Only reset() leaves it.',
  TRANSSHIP_DEVICE_NOT_FOUND:
    'No VFIO device has this address or name: it is absent, unplugged, or bound to no VFIO driver. The message says which.',
  TRANSSHIP_DRIVER_VIOLATION:
    'The device did what the specification rules out. Reset it; its driver is at fault.',
  TRANSSHIP_FOREIGN_STATE_CHANGE:
    'The device is in a state that this client did not set: somebody else drives it, or it was reset, and its state ' +
    'is lost. Only reset() goes on from here.',
  TRANSSHIP_ILLEGAL_ARC: 'The wanted state is not one arc away from the current one. Nothing was written.',
  TRANSSHIP_INTERNAL: 'A defect of this library.',
  TRANSSHIP_INVALID_ARGUMENT: 'An argument is out of range. Nothing was done.',
  TRANSSHIP_IOMMU_REFUSED:
    'The kernel refused to put the device behind an IOMMU: no IOMMU group, a group with foreign drivers, or a refused ' +
    'container or iommufd. The message says which.',
  TRANSSHIP_LOAD_REJECTED:
    'The device found the loaded data incomplete or inconsistent. Reset it and load it anew; never start it.',
  TRANSSHIP_NO_P2P: 'The device cannot be quiesced, so it can only be migrated alone. Nothing was written.',
  TRANSSHIP_NO_PROGRESS:
    'The device says that it has data but hands out empty segments. Begin a new stream or reset it.',
  TRANSSHIP_NO_SEGMENT: 'There is no current segment; call nextSegment() or beginSegment() first.',
  TRANSSHIP_NOT_ALLOWED:
    'This user may not open the device, or the broker does not serve this user on this socket. Check permissions, or ' +
    "the broker's --agent-uid.",
  TRANSSHIP_NOT_MIGRATABLE:
    'The device has neither the migration features of v2 nor the migration region of v1, or migrates in a way that ' +
    'this library does not know: its driver cannot migrate it.',
  TRANSSHIP_NOT_RESUMING: 'The device takes no data in its current state.',
  TRANSSHIP_NOT_SAVING: 'The device gives no data in its current state.',
  TRANSSHIP_OUT_OF_MEMORY: 'The process is out of memory.',
  TRANSSHIP_PROTOCOL_VIOLATION:
    'The server of the device broke the vfio-user protocol; the connection is of no use.',
  TRANSSHIP_QUEUE_FULL: 'Too many calls wait for this device. Await some before making more.',
  TRANSSHIP_RESET_FAILED: 'The device refused the reset or did not come back to Running. Never hand it out.',
  TRANSSHIP_RESET_UNSUPPORTED: 'The device does not support VFIO_DEVICE_RESET and must not be migrated.',
  TRANSSHIP_SEGMENT_INCOMPLETE: 'Bytes of the segment are missing. Write them, then commit.',
  TRANSSHIP_SEGMENT_OPEN: 'The current segment must be read or committed to its end first.',
  TRANSSHIP_SEGMENT_TOO_LARGE:
    'The device does not take a segment of this size, and segments must not be split.',
  TRANSSHIP_SESSION_FAILED:
    'The stream ended earlier by a fault, or another client began it. Begin a new one (saving) or reset (resuming).',
  TRANSSHIP_VERSION_UNSUPPORTED: 'The server of the device speaks another version of vfio-user.',
} as const satisfies Record<`TRANSSHIP_${string}`, string>;

export type NativeErrorCode = keyof typeof nativeErrorCodes;

/** What the addon rejects with: plain data. */
export interface AddonError {
  readonly code: NativeErrorCode;
  readonly message: string;
  readonly errno: number | null;
  readonly register: string | null;
  readonly state: DeviceState | null;
}

/** An operation on a device that failed. `code` says what to do (see {@link nativeErrorCodes}). */
export class NativeError extends Error {
  override readonly name = 'NativeError';
  readonly code: NativeErrorCode;
  /** Name of the errno that the system, the server or the device gave ('EBUSY'); null when none did. */
  readonly errno: string | null;
  /** The method that failed ('arc', 'openVfioUser'). */
  readonly operation: string;
  /** The register or field that was accessed ('device_state', 'data', 'config'); null when none was. */
  readonly register: string | null;
  /** Socket path of the device. */
  readonly device: string;
  /** State of the device as read after the failure; null when it was not read. */
  readonly state: DeviceState | null;

  constructor(device: string, operation: string, cause: AddonError) {
    super(`${operation} on ${device}: ${cause.message}`);
    this.code = cause.code;
    this.errno = cause.errno === null ? null : errnoName(cause.errno);
    this.operation = operation;
    this.register = cause.register;
    this.device = device;
    this.state = cause.state;
  }
}

/** What the addon rejected with, as the error that users see; it rejects with nothing but {@link AddonError}. */
export function translate(device: string, operation: string, error: unknown): NativeError {
  return new NativeError(device, operation, error as AddonError);
}

/** Errors of invalid arguments, before anything reaches the addon. */
export function invalidArgument(device: string, operation: string, message: string): NativeError {
  return new NativeError(device, operation, {
    code: 'TRANSSHIP_INVALID_ARGUMENT',
    message,
    errno: null,
    register: null,
    state: null,
  });
}

// util.getSystemErrorName knows only the errnos that libuv uses, this list has all of the system. Two numbers stand
// twice in it; reversed, the first name wins (EAGAIN, not EWOULDBLOCK).
const errnoNames = new Map(
  Object.entries(constants.errno)
    .reverse()
    .map(([name, errno]) => [errno, name]),
);

function errnoName(errno: number): string {
  return errnoNames.get(errno) ?? `errno ${errno}`;
}
