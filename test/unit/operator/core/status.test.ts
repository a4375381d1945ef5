import { describe, expect, test } from '@jest/globals';
import { deviceMigrationStatus, type DeviceMigrationStatus } from '@transship/crds';
import type { Action, Observed, SessionView } from '@transship/operator/core';
import { failure, statusOf } from '@transship/operator/core';
import { endedStreams, totalsOf } from '../../../support/core-facts.ts';
import { failed, observe, source, target, UNREACHABLE, withDevice } from './fixture.ts';

const NOW = '2026-01-02T03:04:05Z';
const BEFORE = '2026-01-01T00:00:00Z';
const WAIT: Action = { kind: 'wait', on: 'the source to stop' };
const FRESH = deviceMigrationStatus.parse({});

const report = (
  observed: Observed,
  action: Action = WAIT,
  before: DeviceMigrationStatus = FRESH,
): ReturnType<typeof statusOf> =>
  statusOf({ observed, action, before, generation: 1, now: NOW, bytesPerSecond: 0, downtime: null });

/** Conditions as `type: status reason`. */
const conditions = (status: ReturnType<typeof statusOf>): string[] =>
  status.conditions.map(({ type, status: value, reason }) => `${type}: ${value} ${reason}`);

describe('the phase that people see', () => {
  const phases: readonly [SessionView['phase'], SessionView['phase'], Partial<Observed['record']>, string][] =
    [
      ['Fenced', 'Fenced', {}, 'Preparing'],
      ['Prepared', 'Preparing', {}, 'Preparing'],
      ['PreCopying', 'Loading', {}, 'PreCopy'],
      ['PreCopy', 'Loading', {}, 'PreCopy'],
      ['Quiescing', 'Loading', {}, 'Quiescing'],
      ['Unquiescing', 'Loading', {}, 'Quiescing'],
      ['Stopping', 'Loading', { stopping: true }, 'StopCopy'],
      ['Stopped', 'Loading', { stopping: true }, 'StopCopy'],
      ['Stopped', 'Verifying', { stopping: true }, 'Verifying'],
      ['Stopped', 'Verified', { stopping: true }, 'Verifying'],
      ['RollingBack', 'Loading', {}, 'RollingBack'],
      ['Stopped', 'Starting', { stopping: true, decision: 'Commit' }, 'Activating'],
      ['Releasing', 'Active', { stopping: true, decision: 'Commit' }, 'Releasing'],
      ['Stopped', 'Verified', { stopping: true, decision: 'Abort' }, 'RollingBack'],
      ['Stopped', 'Discarded', { stopping: true, decision: 'Revert' }, 'RollingBack'],
    ];

  test.each(phases)('source %s, target %s, record %j: %s', (s, t, record, phase) => {
    expect(report(observe(source(s), target(t), { record })).phase).toBe(phase);
  });

  test('stays while the source does not answer', () => {
    const before = { ...FRESH, phase: 'StopCopy' } as const;
    expect(report(observe(UNREACHABLE, target('Loading')), WAIT, before).phase).toBe('StopCopy');
    expect(report(observe(UNREACHABLE, target('Fenced'))).phase).toBe('Preparing');
  });
});

describe('conditions, by the rules of kstatus', () => {
  test('while it moves: not Ready, Reconciling, nothing else', () => {
    expect(conditions(report(observe(source('PreCopy'), target('Loading'))))).toEqual([
      'Ready: False PreCopy',
      'Reconciling: True PreCopy',
    ]);
  });

  test('an agent that does not answer is said', () => {
    expect(conditions(report(observe(source('PreCopy'), UNREACHABLE)))).toContain(
      'Reconciling: True WaitingForAgent',
    );
  });

  test('an error that is retried is said', () => {
    const broken = target('Loading', failed('StreamCorrupt'));
    expect(conditions(report(observe(source('Stopped'), broken)))).toContain('Reconciling: True Retrying');
  });

  test.each(['Stopping', 'RollingBack'] as const)('a device that is stuck in %s is said', (phase) => {
    const stuck = { ...failure('DeviceStuck', 'has not come back'), device: 'source/1' };
    const s = withDevice(source(phase, { error: stuck, settled: false }), 1, { stuck: true });
    const status = report(observe(s, target('Loading'), { record: { stopping: true } }));
    const told = status.conditions.find(({ type }) => type === 'Reconciling');
    expect(told).toMatchObject({ reason: 'DeviceStuck', message: expect.stringContaining('source/1') });
    // It may yet come back: no error of the migration.
    expect(status.error).toBeUndefined();
  });

  test('succeeded: Ready alone', () => {
    const action = { kind: 'finish', phase: 'Succeeded', failure: null } as const;
    const status = report(observe(source('Released'), target('Active')), action);
    expect(conditions(status)).toEqual(['Ready: True Succeeded']);
    expect(status).toMatchObject({ phase: 'Succeeded', completedAt: NOW });
  });

  test('failed: not Ready and Stalled, with the code as the reason', () => {
    const action = {
      kind: 'finish',
      phase: 'Failed',
      failure: failure('StreamCorrupt', 'checksums differ'),
    } as const;
    const status = report(observe(source('RolledBack'), target('Discarded')), action);
    expect(conditions(status)).toEqual(['Ready: False StreamCorrupt', 'Stalled: True StreamCorrupt']);
    expect(status.error).toEqual({ code: 'StreamCorrupt', message: 'checksums differ' });
  });

  test('cancelled on demand is not stalled', () => {
    const action = { kind: 'finish', phase: 'Aborted', failure: failure('Cancelled', 'deleted') } as const;
    expect(conditions(report(observe(source('RolledBack'), target('Discarded')), action))).toEqual([
      'Ready: False Cancelled',
    ]);
  });

  test('only a person can help: Stalled, and the object has not ended', () => {
    const action = { kind: 'stall', failure: failure('RecordRegressed', 'behind') } as const;
    const status = report(observe(source('Stopped'), target('Active')), action);
    expect(conditions(status)).toContain('Stalled: True RecordRegressed');
    expect(status.completedAt).toBeUndefined();
  });

  test('invariant 2: a device that is lost or withheld is named as long as it is', () => {
    const s = withDevice(source('RollingBack'), 1, { lost: true });
    const t = withDevice(target('Discarded'), 0, { quarantined: true });
    const lost = report(observe(s, t)).conditions.find(({ type }) => type === 'DeviceLost');
    expect(lost).toMatchObject({ status: 'True', reason: 'DeviceStateLost' });
    expect(lost?.message).toContain('source/1');
    expect(lost?.message).toContain('target/0');
    expect(conditions(report(observe(source('PreCopy'), target('Loading')))).join()).not.toContain(
      'DeviceLost',
    );
  });

  test('the time of a transition is that of the last change of its status', () => {
    const ready = { type: 'Ready', reason: 'Preparing', message: '', lastTransitionTime: BEFORE } as const;
    const at = (status: 'True' | 'False'): string | undefined =>
      report(observe(source('PreCopy'), target('Loading')), WAIT, {
        ...FRESH,
        conditions: [{ ...ready, status }],
      }).conditions[0]?.lastTransitionTime;
    expect(at('False')).toBe(BEFORE);
    expect(at('True')).toBe(NOW);
  });
});

describe('the error that people see', () => {
  const earlier = { ...FRESH, error: { code: 'StreamCorrupt', message: 'the first' } };

  test('is the first of the migration, however many follow', () => {
    const later = source('RollingBack', failed('ThawFailed'));
    expect(report(observe(later, target('Loading')), WAIT, earlier).error?.message).toBe('the first');
    expect(report(observe(later, target('Loading'))).error?.code).toBe('ThawFailed');
  });

  test('is what happened, not what came of it on the other side', () => {
    const refused = target('Loading', failed('IllegalPhase'));
    expect(report(observe(UNREACHABLE, refused)).error).toBeUndefined();
    const restarted = source('RolledBack', failed('AgentRestarted'));
    expect(report(observe(restarted, refused)).error?.code).toBe('AgentRestarted');
    const why = failure('IllegalPhase', 'nothing else is known');
    const action = { kind: 'finish', phase: 'Failed', failure: why } as const;
    expect(report(observe(source('RolledBack'), refused), action).error?.code).toBe('IllegalPhase');
  });

  test('is gone when the migration has succeeded in spite of it', () => {
    const action = { kind: 'finish', phase: 'Succeeded', failure: null } as const;
    expect(report(observe(source('Released'), target('Active')), action, earlier).error).toBeUndefined();
  });
});

describe('devices and progress', () => {
  test('each source device stands with its pair, its states, and what it has sent', () => {
    const [first] = report(observe(source('Stopped'), target('Loading'))).devices ?? [];
    const totals = totalsOf(2, 1)[0];
    expect(first).toMatchObject({ source: 'source/0', target: 'target/0', protocol: 'v1', generation: 1 });
    expect(first).toMatchObject({ bytes: totals?.bytes, segments: totals?.segments });
  });

  const stopped = withDevice(source('Stopped'), 0, { state: 'StopCopy' });
  const loading = withDevice(target('Loading'), 0, { state: 'Resuming' });
  const silent = { state: 'Unknown' } as const;

  test.each([
    ['a device that does not answer', withDevice(stopped, 0, silent), withDevice(loading, 0, silent)],
    ['a device whose agent does not answer', UNREACHABLE, UNREACHABLE],
  ])('%s keeps the state that was told of it last, in a status that the schema takes', (_name, s, t) => {
    const told = report(observe(stopped, loading)).devices;
    const status = report(observe(s, t), WAIT, {
      ...FRESH,
      ...(told === undefined ? {} : { devices: told }),
    });
    expect(status.devices?.[0]).toMatchObject({ state: 'StopCopy', targetState: 'Resuming' });
    expect(deviceMigrationStatus.safeParse({ ...FRESH, ...status }).success).toBe(true);
  });

  test('a device that never answered was Running when it was chosen', () => {
    const s = withDevice(source('Prepared'), 0, silent);
    expect(report(observe(s, target('Loading'))).devices?.[0]?.state).toBe('Running');
  });

  test('100% is said only when everything has arrived', () => {
    const half = endedStreams(totalsOf(2, 1)).map((stream) => ({ ...stream, ended: false }));
    expect(report(observe(source('Stopping'), target('Loading', { streams: half }))).progress).toBe('99%');
    expect(report(observe(source('Stopped'), target('Loading'))).progress).toBe('100%');
  });

  test('a status that was written is one that the schema takes', () => {
    const action = { kind: 'finish', phase: 'Failed', failure: failure('TargetLost', 'gone') } as const;
    const status = report(observe(source('Stopped'), target('Starting')), action);
    expect(deviceMigrationStatus.safeParse({ ...FRESH, ...status }).success).toBe(true);
  });
});
