import { describe, expect, test } from '@jest/globals';
import type { SessionView } from '@transship/operator/core';
import { failure } from '@transship/operator/core';
import { failed, next, PLAN, source, target, UNREACHABLE, withDevice } from './fixture.ts';

const DELETED = { deletionRequested: true };
const STOPPING = { stopping: true };
const rollBack = (decision: string): object => ({
  kind: 'commandSource',
  command: { kind: 'rollBack', decision },
});
const discard = (decision: string): object => ({
  kind: 'commandTarget',
  command: { kind: 'discard', decision },
});
const abort = (reason: string): object => ({
  kind: 'recordDecision',
  from: 'Undecided',
  to: 'Abort',
  reason,
});
const CANCELLED = abort('Cancelled: the DeviceMigration was deleted');

describe('deletion before the stop is recorded', () => {
  const phases: readonly SessionView['phase'][] = [
    'Fenced',
    'Prepared',
    'PreCopying',
    'PreCopy',
    'Quiescing',
    'Quiesced',
    'Unquiescing',
  ];

  test.each(phases)('with the source %s needs no record: the source goes back first', (phase) => {
    expect(next(source(phase), target('Loading'), { record: DELETED })).toEqual(rollBack('Undecided'));
  });

  test('then it is recorded, before the target is let go', () => {
    for (const s of [source('RollingBack', { settled: false }), source('RolledBack')]) {
      expect(next(s, target('Loading'), { record: DELETED })).toEqual(CANCELLED);
    }
  });

  test('then what is on its way is waited for, and ordered again when that has stopped', () => {
    const record = { ...DELETED, decision: 'Abort' } as const;
    const underWay = source('RollingBack', { settled: false });
    expect(next(underWay, target('Loading'), { record })).toMatchObject({ kind: 'wait' });
    const halted = source('RollingBack', failed('ThawFailed'));
    expect(next(halted, target('Loading'), { record })).toEqual(rollBack('Abort'));
    expect(next(source('RolledBack'), target('Loading'), { record })).toEqual(discard('Abort'));
    const resetting = target('Discarding', { settled: false });
    expect(next(source('RolledBack'), resetting, { record })).toMatchObject({ kind: 'wait' });
    expect(next(source('RolledBack'), target('Discarding'), { record })).toEqual(discard('Abort'));
  });

  test('an unreachable target does not hold up the roll-back of the source, nor its reason', () => {
    expect(next(source('PreCopy'), UNREACHABLE, { record: DELETED })).toEqual(rollBack('Undecided'));
    expect(next(source('RolledBack'), UNREACHABLE, { record: DELETED })).toEqual(CANCELLED);
  });

  test('an unreachable source is waited for: nobody else can bring its devices back', () => {
    expect(next(UNREACHABLE, target('Loading'), { record: DELETED })).toMatchObject({ kind: 'wait' });
  });
});

describe('once stopping is recorded', () => {
  const phases: readonly SessionView['phase'][] = ['Quiesced', 'Stopping', 'Stopped', 'RolledBack'];

  test.each(phases)('a roll-back with the source %s is recorded as Abort before it is acted on', (phase) => {
    for (const t of [target('Loading'), target('Verified'), target('Discarded'), UNREACHABLE]) {
      expect(next(source(phase), t, { record: { ...DELETED, ...STOPPING } })).toEqual(CANCELLED);
    }
  });

  test('it is recorded even when nobody answers', () => {
    expect(next(UNREACHABLE, UNREACHABLE, { record: { ...DELETED, ...STOPPING } })).toEqual(CANCELLED);
  });

  test('deletion with both promises made, and no decision yet, still cancels', () => {
    expect(next(source('Stopped'), target('Verified'), { record: { ...DELETED, ...STOPPING } })).toEqual(
      CANCELLED,
    );
  });

  test('deletion after Commit changes nothing: it finishes first', () => {
    const record = { ...DELETED, ...STOPPING, decision: 'Commit' } as const;
    expect(next(source('Stopped'), target('Verified'), { record })).toEqual({
      kind: 'commandSource',
      command: { kind: 'commit', decision: 'Commit' },
    });
  });
});

describe('a source that turned round by itself', () => {
  test('ends the migration for the reason it gives', () => {
    const underWay = source('RollingBack', { ...failed('OperatorLost'), settled: false });
    for (const s of [underWay, source('RolledBack', failed('OperatorLost'))]) {
      expect(next(s, target('Loading'))).toEqual(abort('OperatorLost: OperatorLost of the test'));
    }
  });

  test('because it was told to ends for what is wrong with the target', () => {
    const why = failure('DeviceBusy', 'a workload runs there');
    const refused = { kind: 'session', session: target('Fenced'), refusal: why } as const;
    expect(next(source('RolledBack'), refused)).toEqual(abort('DeviceBusy: a workload runs there'));
    expect(next(source('RolledBack'), target('Discarded', failed('StreamCorrupt')))).toEqual(
      abort('StreamCorrupt: StreamCorrupt of the test'),
    );
  });

  test('for reasons that nobody knows any more has been cancelled', () => {
    expect(next(source('RolledBack'), target('Loading'))).toEqual(
      abort('Cancelled: the source has rolled back'),
    );
  });

  test('a lost device before the stop turns the set round', () => {
    const s = withDevice(source('PreCopy', failed('DeviceStateLost')), 1, { lost: true });
    expect(next(s, target('Loading'))).toEqual(rollBack('Undecided'));
  });

  test('a lost device while stopping is recorded as Abort: it cannot be saved any more', () => {
    const s = withDevice(source('Stopping', failed('DeviceStateLost')), 1, { lost: true });
    expect(next(s, target('Loading'), { record: STOPPING })).toEqual(
      abort('DeviceStateLost: DeviceStateLost of the test'),
    );
  });

  test('a device lost after the promise does not stop a Commit: the target has what it held', () => {
    const s = withDevice(source('Stopped', failed('DeviceStateLost')), 1, { lost: true });
    expect(next(s, target('Verified'), { record: STOPPING })).toMatchObject({ to: 'Commit' });
    expect(next(s, target('Loading'), { record: STOPPING })).toMatchObject({ command: { kind: 'verify' } });
  });

  test('unless the target needs another generation, for which the device would have to be saved again', () => {
    const s = withDevice(source('Stopped', failed('DeviceStateLost')), 1, { lost: true });
    expect(next(s, target('Loading', failed('AgentRestarted')), { record: STOPPING })).toEqual(
      abort('DeviceStateLost: DeviceStateLost of the test'),
    );
  });
});

describe('a target that gives up', () => {
  test('by itself, before the stop: the source goes back without a record', () => {
    const t = target('Discarded', failed('OperatorLost'));
    expect(next(source('PreCopy'), t)).toEqual(rollBack('Undecided'));
  });

  test('by itself, after the stop was recorded: Abort comes first', () => {
    const t = target('Discarded', failed('OperatorLost'));
    expect(next(source('Stopped'), t, { record: STOPPING })).toEqual(
      abort('OperatorLost: OperatorLost of the test'),
    );
  });

  test('V2-28: with a device whose RESET failed, no other generation is tried', () => {
    const t = withDevice(target('Preparing', failed('ResetFailed')), 0, { quarantined: true });
    expect(next(source('Prepared'), t)).toEqual(rollBack('Undecided'));
  });

  test('a device lost after it was verified is recorded as Abort: its journal still says Stop', () => {
    const t = withDevice(target('Verified', failed('DeviceStateLost')), 0, { lost: true });
    expect(next(source('Stopped'), t, { record: STOPPING })).toEqual(
      abort('DeviceStateLost: DeviceStateLost of the test'),
    );
  });
});

describe('another generation', () => {
  const broken = (generation: number): SessionView =>
    target('Loading', { ...failed('StreamCorrupt'), generation });

  const ways: readonly [SessionView['phase'], boolean, object][] = [
    ['PreCopy', false, { kind: 'commandSource', command: { kind: 'preCopy', generation: 2 } }],
    ['Quiesced', false, { kind: 'recordStopping' }],
    ['Quiesced', true, { kind: 'commandSource', command: { kind: 'stop', generation: 2 } }],
    ['Stopping', true, { kind: 'commandSource', command: { kind: 'stop', generation: 2 } }],
    ['Stopped', true, { kind: 'commandSource', command: { kind: 'stop', generation: 2 } }],
  ];

  test.each(ways)(
    'after a failed load begins at the source: %s (stopping recorded: %s)',
    (phase, stopping, want) => {
      const settled = phase !== 'Stopping';
      expect(next(source(phase, { settled }), broken(1), { record: { stopping } })).toEqual(want);
    },
  );

  test('begins at the target when the source has not saved anything yet', () => {
    expect(next(source('Prepared'), target('Preparing', failed('ArcFailed')))).toMatchObject({
      kind: 'commandTarget',
      command: { kind: 'prepare', generation: 2 },
    });
  });

  test('is prepared at the target when the source has begun it', () => {
    const s = source('Stopping', { generation: 2, settled: false });
    expect(next(s, broken(1), { record: STOPPING })).toMatchObject({
      kind: 'commandTarget',
      command: { kind: 'prepare', generation: 2, pull: { ticket: 'ticket' } },
    });
  });

  test('begins when the source could not be stopped, or its streams failed', () => {
    const s = source('Stopping', failed('ArcFailed'));
    expect(next(s, target('Loading'), { record: STOPPING })).toEqual({
      kind: 'commandSource',
      command: { kind: 'stop', generation: 2 },
    });
  });

  test('waits for a source that is on its way', () => {
    expect(next(source('PreCopying', { settled: false }), broken(1))).toMatchObject({ kind: 'wait' });
  });

  test('waits until the target says that it has failed, and has settled', () => {
    const t = target('Verifying', { ...failed('LoadRejected'), settled: false });
    expect(next(source('Stopped'), t, { record: STOPPING })).toMatchObject({ kind: 'wait' });
  });

  const spent: readonly [string, boolean, SessionView, SessionView, object][] = [
    [
      'target, before the stop',
      false,
      source('PreCopy', { generation: 2 }),
      broken(2),
      rollBack('Undecided'),
    ],
    [
      'target, after it',
      true,
      source('Stopped', { generation: 2 }),
      broken(2),
      abort('StreamCorrupt: StreamCorrupt of the test'),
    ],
    [
      'source, after it',
      true,
      source('Stopping', { ...failed('ArcFailed'), generation: 2 }),
      target('Loading', { generation: 2 }),
      abort('ArcFailed: ArcFailed of the test'),
    ],
  ];

  test.each(spent)('is not tried when the retries are used up: %s', (_, stopping, s, t, want) => {
    const record = { stopping };
    expect(next(s, t, { record })).toEqual(want);
    const more = { ...PLAN, retries: 2 };
    expect(next(s, t, { record, plan: more })).toMatchObject({ command: { generation: 3 } });
  });

  test('the number of retries counts generations after the first: none means one', () => {
    const plan = { ...PLAN, retries: 0 };
    expect(next(source('Stopped'), broken(1), { record: STOPPING, plan })).toEqual(
      abort('StreamCorrupt: StreamCorrupt of the test'),
    );
  });
});

describe('a deadline that has passed', () => {
  const expired = failure('AgentUnreachable', 'the agent of the target node has not answered for 30 s');

  test('before the stop rolls the source back', () => {
    expect(next(source('PreCopy'), UNREACHABLE, { expired })).toEqual(rollBack('Undecided'));
  });

  test('after the stop was recorded is recorded as Abort, although the target cannot be asked', () => {
    expect(next(source('Stopped'), UNREACHABLE, { expired, record: STOPPING })).toEqual(
      abort('AgentUnreachable: the agent of the target node has not answered for 30 s'),
    );
  });
});

test('a workload that has not answered its agent yet is asked again until that has lasted too long', () => {
  const why = failure('WorkloadUnreachable', 'no answer in time');
  const placed = { record: { placed: true } };
  const atSource = { kind: 'session', session: source('Fenced'), refusal: why } as const;
  expect(next(atSource, target('Fenced'), placed)).toMatchObject({
    kind: 'commandSource',
    command: { kind: 'prepare' },
  });
  const atTarget = { kind: 'session', session: target('Fenced'), refusal: why } as const;
  expect(next(source('Prepared'), atTarget, placed)).toMatchObject({
    kind: 'commandTarget',
    command: { kind: 'prepare' },
  });
  expect(next(atSource, target('Fenced'), { ...placed, expired: why })).toEqual(
    abort('WorkloadUnreachable: no answer in time'),
  );
  expect(next(source('Prepared'), atTarget, { ...placed, expired: why })).toEqual(rollBack('Undecided'));
});
