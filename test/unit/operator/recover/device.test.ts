import { describe, expect, test } from '@jest/globals';
import { planDevice } from '@transship/operator/internal/recover/plan/device';
import type { FoundDevice } from '@transship/operator/internal/recover/plan/found';
import { kinds, reason, silent } from './fixture.ts';

const HELD: FoundDevice = {
  kind: 'device',
  node: 'gpu-a',
  state: 'Stop',
  health: 'Quarantined',
  boundBy: '',
  quarantine: {
    ...{ code: 'ResetFailed', message: 'EIO', since: '2026-01-01T00:00:00Z' },
    ...{ migrationUid: 'uid-1', remedy: 'Reset it.' },
  },
};

describe('recover --device', () => {
  test('asks the agent for the recovery of the device, of the migration that it is held for', () => {
    const plan = planDevice(HELD, 'gpu-a/0');
    expect(kinds(plan)).toEqual(['endQuarantine']);
    expect(plan).toMatchObject({ steps: [{ node: 'gpu-a', device: 'gpu-a/0', uid: 'uid-1' }] });
    expect(plan).toMatchObject({ losses: [expect.stringContaining('gpu-a/0')] });
  });

  test('is refused for a device that is not held, or is somebody’s, or cannot be asked for', () => {
    const refusals: readonly [FoundDevice, string][] = [
      [{ ...HELD, health: 'Healthy', quarantine: null }, 'not in quarantine'],
      [{ ...HELD, quarantine: null }, 'older version'],
      [{ ...HELD, boundBy: 'uid-2' }, 'uid-2, which has not ended'],
      [{ kind: 'unknown', node: 'gpu-a' }, 'has no device'],
      [silent('gpu-a'), 'does not answer'],
    ];
    for (const [found, why] of refusals) expect(reason(planDevice(found, 'gpu-a/0'))).toContain(why);
  });
});
