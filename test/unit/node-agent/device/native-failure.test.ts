import { isErrorCode } from '@transship/crds';
import { describe, expect, test } from '@jest/globals';
import { nativeErrorCodes } from '@transship/native';
import {
  isConnectionGone,
  isViolation,
  toDeviceFailure,
} from '@transship/node-agent/internal/device/native-failure';

const native = (code: string, state: string | null = null) => ({
  code,
  message: 'a sentence',
  errno: 'EBUSY',
  state,
});

describe('an error of native', () => {
  test.each([
    ['arc', 'TRANSSHIP_ARC_REFUSED', 'ArcFailed'],
    ['arc', 'TRANSSHIP_LOAD_REJECTED', 'LoadRejected'],
    ['arc', 'TRANSSHIP_DEVICE_ERROR', 'DeviceError'],
    ['arc', 'TRANSSHIP_DRIVER_VIOLATION', 'DeviceError'],
    ['arc', 'TRANSSHIP_FOREIGN_STATE_CHANGE', 'DeviceStateLost'],
    ['arc', 'TRANSSHIP_CONNECTION_LOST', 'ArcFailed'],
    ['arc', 'TRANSSHIP_DEVICE_BUSY', 'DeviceHeld'],
    ['arc', 'TRANSSHIP_DEVICE_NOT_FOUND', 'DeviceAbsent'],
    ['arc', 'TRANSSHIP_IOMMU_REFUSED', 'IommuRefused'],
    ['arc', 'TRANSSHIP_NOT_ALLOWED', 'BrokerRefused'],
    ['arc', 'TRANSSHIP_CONNECT_TIMEOUT', 'DeviceUnreachable'],
    ['reset', 'TRANSSHIP_RESET_FAILED', 'ResetFailed'],
    ['reset', 'TRANSSHIP_RESET_UNSUPPORTED', 'ResetUnsupported'],
    ['saving', 'TRANSSHIP_ACCESS_FAILED', 'DeviceError'],
    ['saving', 'TRANSSHIP_NO_PROGRESS', 'DeviceError'],
    ['loading', 'TRANSSHIP_ACCESS_FAILED', 'LoadRejected'],
    ['loading', 'TRANSSHIP_SEGMENT_TOO_LARGE', 'StreamTooLarge'],
  ] as const)('in %s, %s means %s', (activity, code, meaning) => {
    const found = toDeviceFailure('a/0', activity, native(code, 'Stop'));
    expect(found).toMatchObject({ failure: { code: meaning, device: 'a/0' }, state: 'Stop' });
    expect(found.message).toBe('a sentence (EBUSY)');
  });

  test('has a stable code whatever it is, in every activity', () => {
    for (const code of [...Object.keys(nativeErrorCodes), 'ENOENT']) {
      for (const activity of ['arc', 'reset', 'saving', 'loading'] as const) {
        expect(isErrorCode(toDeviceFailure('a/0', activity, native(code)).failure.code)).toBe(true);
      }
    }
  });

  test('leaves the state unknown unless it was read, but Error is known by its code', () => {
    expect(toDeviceFailure('a/0', 'arc', native('TRANSSHIP_ARC_REFUSED')).state).toBe('Unknown');
    expect(toDeviceFailure('a/0', 'arc', native('TRANSSHIP_DEVICE_ERROR')).state).toBe('Error');
  });

  test('says whether the connection is of any use', () => {
    expect(isConnectionGone(native('TRANSSHIP_CONNECTION_LOST'))).toBe(true);
    expect(isConnectionGone(native('TRANSSHIP_ARC_REFUSED'))).toBe(false);
    expect(isViolation(native('TRANSSHIP_DRIVER_VIOLATION'))).toBe(true);
  });
});
