import type { ErrorCode } from '@transship/crds';
import type { NativeError, NativeErrorCode } from '@transship/native';
import { failure } from '../contract/failure.ts';
import type { KnownState } from '../core/device-state.ts';
import type { Failure } from '../core/session.ts';
import { DeviceFailure } from './port.ts';

/** What was being done when a device failed; the same fault means another thing in each. */
export type Activity = 'arc' | 'reset' | 'saving' | 'loading';

/** Meaning by native's code, where it is the same for every activity. */
const BY_CODE: Partial<Record<NativeErrorCode, ErrorCode>> = {
  TRANSSHIP_CONNECT_FAILED: 'DeviceUnreachable',
  TRANSSHIP_CONNECT_TIMEOUT: 'DeviceUnreachable',
  TRANSSHIP_DEVICE_BUSY: 'DeviceHeld',
  TRANSSHIP_DEVICE_ERROR: 'DeviceError',
  TRANSSHIP_DEVICE_NOT_FOUND: 'DeviceAbsent',
  TRANSSHIP_DRIVER_VIOLATION: 'DeviceError',
  TRANSSHIP_FOREIGN_STATE_CHANGE: 'DeviceStateLost',
  TRANSSHIP_IOMMU_REFUSED: 'IommuRefused',
  TRANSSHIP_LOAD_REJECTED: 'LoadRejected',
  TRANSSHIP_NOT_ALLOWED: 'BrokerRefused',
  TRANSSHIP_NOT_MIGRATABLE: 'DeviceNotMigratable',
  TRANSSHIP_NO_P2P: 'NoPeerToPeerQuiesce',
  TRANSSHIP_OUT_OF_MEMORY: 'Internal',
  TRANSSHIP_INTERNAL: 'Internal',
  TRANSSHIP_INVALID_ARGUMENT: 'Internal',
  TRANSSHIP_RESET_UNSUPPORTED: 'ResetUnsupported',
  TRANSSHIP_SEGMENT_TOO_LARGE: 'StreamTooLarge',
};

const BY_ACTIVITY: Record<Activity, ErrorCode> = {
  arc: 'ArcFailed',
  reset: 'ResetFailed',
  saving: 'DeviceError',
  loading: 'LoadRejected',
};

/** After these the connection to the device is of no use; it has to be opened again. */
const CONNECTION_GONE: ReadonlySet<string> = new Set<NativeErrorCode>([
  'TRANSSHIP_CLOSED',
  'TRANSSHIP_CONNECTION_LOST',
  'TRANSSHIP_PROTOCOL_VIOLATION',
]);

/** The device answers and has no migration protocol; opening it again brings nothing else. */
export const isNotMigratable = (error: unknown): boolean => codeOf(error) === 'TRANSSHIP_NOT_MIGRATABLE';

/** The device is in no state in which it could be asked for what it saves. */
export const isNotSaving = (error: unknown): boolean => codeOf(error) === 'TRANSSHIP_NOT_SAVING';

/** Said of a request through the broker: it did not answer, or does not have the device at the moment. */
const BROKER_AWAY: ReadonlySet<string> = new Set<NativeErrorCode>([
  'TRANSSHIP_CONNECT_FAILED',
  'TRANSSHIP_CONNECT_TIMEOUT',
  'TRANSSHIP_CONNECTION_LOST',
  'TRANSSHIP_DEVICE_BUSY',
]);

export const isBrokerAway = (error: unknown): boolean => BROKER_AWAY.has(codeOf(error));

/** Why a device does not answer: what its door or its server said when it was asked. */
export function toTrouble(id: string, error: unknown): Failure {
  const { message = String(error) } = error as Partial<NativeError>;
  return failure(BY_CODE[codeOf(error) as NativeErrorCode] ?? 'DeviceUnreachable', message, id);
}

export const isConnectionGone = (error: unknown): boolean => CONNECTION_GONE.has(codeOf(error));

/** The device shows a value that no conforming device has: only RESET can help, as in Error. */
export const isViolation = (error: unknown): boolean => codeOf(error) === 'TRANSSHIP_DRIVER_VIOLATION';

/** An error of native as a failure of the device `id`, with the state it left the device in when it was read. */
export function toDeviceFailure(id: string, activity: Activity, error: unknown): DeviceFailure {
  const { message = String(error), errno = null, state = null } = error as Partial<NativeError>;
  const code = BY_CODE[codeOf(error) as NativeErrorCode] ?? BY_ACTIVITY[activity];
  const text = errno === null ? message : `${message} (${errno})`;
  const known: KnownState = state ?? (codeOf(error) === 'TRANSSHIP_DEVICE_ERROR' ? 'Error' : 'Unknown');
  return new DeviceFailure(failure(code, text, id), known, error);
}

const codeOf = (error: unknown): string => (error as { code?: string } | null)?.code ?? '';
