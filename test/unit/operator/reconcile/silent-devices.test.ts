import { describe, expect, test } from '@jest/globals';
import { freshMemory } from '@transship/operator/core';
import type { SessionView } from '@transship/operator/core';
import { SilentDevices } from '@transship/operator/internal/reconcile/silent-devices';
import { source, target } from '../core/fixture.ts';

const memoryOf = (s: SessionView, t: SessionView) => ({
  ...freshMemory,
  source: { kind: 'session', session: s, refusal: null } as const,
  target: { kind: 'session', session: t, refusal: null } as const,
});

const stuckIn = (view: SessionView, index = 1): SessionView => ({
  ...view,
  settled: false,
  devices: view.devices.map((device, at) => (at === index ? { ...device, stuck: true } : device)),
});

/** What is said after `devices` were looked at for as long as the limit, in one state. */
function after30s(s: SessionView, t: SessionView) {
  const silent = new SilentDevices();
  expect(silent.look(memoryOf(s, t), 0)).toBeNull();
  expect(silent.look(memoryOf(s, t), 29_999)).toBeNull();
  return silent.look(memoryOf(s, t), 30_000);
}

describe('a device whose call does not return', () => {
  test.each(['PreCopying', 'Stopping', 'RollingBack'] as const)(
    'at a source that is %s ends the attempt before the decision',
    (phase) => {
      expect(after30s(stuckIn(source(phase)), target('Loading'))).toMatchObject({
        code: 'DeviceStuck',
        device: 'source/1',
      });
    },
  );

  test.each(['Quiescing', 'Unquiescing'] as const)(
    'at a source that is %s is left to the policy of the quiesce',
    (phase) => {
      expect(after30s(stuckIn(source(phase)), target('Loading'))).toBeNull();
    },
  );

  test('at the target ends the attempt too', () => {
    expect(after30s(source('Stopped'), stuckIn(target('Verifying'), 0))).toMatchObject({
      code: 'DeviceStuck',
      device: 'target/0',
    });
  });

  test('and that has returned in between counts anew', () => {
    const silent = new SilentDevices();
    const stuck = memoryOf(stuckIn(source('Stopping')), target('Loading'));
    silent.look(stuck, 0);
    silent.look(memoryOf(source('Stopping'), target('Loading')), 20_000);
    silent.look(stuck, 20_001);
    expect(silent.look(stuck, 40_000)).toBeNull();
    expect(silent.look(stuck, 60_000)).toMatchObject({ code: 'DeviceStuck' });
  });
});

test('a device that answers nobody ends the attempt', () => {
  const devices = source('Stopping').devices.map((device) => ({ ...device, state: 'Unknown' as const }));
  expect(after30s(source('Stopping', { devices }), target('Loading'))?.code).toBe('DeadlineExceeded');
});
