import { describe, expect, test } from '@jest/globals';
import { failure, type SessionView } from '@transship/operator/core';
import { FENCE, failed, next, source, target, UNREACHABLE, withDevice } from './fixture.ts';

const COMMIT = { stopping: true, decision: 'Commit', reason: 'generation 1 verified' } as const;
const SEEN = { decision: 'Commit' } as const;
const activate = { kind: 'commandTarget', command: { kind: 'activate', decision: 'Commit' } };
const commit = { kind: 'commandSource', command: { kind: 'commit', decision: 'Commit' } };
const release = { kind: 'commandSource', command: { kind: 'release', decision: 'Commit' } };

describe('after Commit: forward', () => {
  test('the source is told before the target is activated', () => {
    expect(next(source('Stopped'), target('Verified'), { record: COMMIT })).toEqual(commit);
    expect(next(source('Stopped', SEEN), target('Verified'), { record: COMMIT })).toEqual(activate);
  });

  test('a source of an earlier version is not told', () => {
    const earlier = source('Stopped', { takesCommit: false });
    expect(next(earlier, target('Verified'), { record: COMMIT })).toEqual(activate);
  });

  test('an unreachable source is waited for, but not one that is shut down', () => {
    expect(next(UNREACHABLE, target('Verified'), { record: COMMIT })).toMatchObject({ kind: 'wait' });
    expect(next(UNREACHABLE, target('Verified'), { record: COMMIT, sourceFenced: true })).toEqual(activate);
  });

  test.each(['Verified', 'Activating', 'Starting'] as const)(
    'a target that is %s with another generation than the source promised is not the one that was committed',
    (phase) => {
      const regressed = { kind: 'stall', failure: { code: 'RecordRegressed' } };
      const s = source('Stopped', { ...SEEN, generation: 3 });
      expect(next(s, target(phase), { record: COMMIT })).toMatchObject(regressed);
      expect(next(s, target(phase, { generation: 3 }), { record: COMMIT })).toEqual(activate);
    },
  );

  test('a source without its journal has nothing to keep the decision in', () => {
    expect(next(source('Fenced'), target('Verified'), { record: COMMIT })).toEqual(activate);
  });

  test.each(['Activating', 'Starting'] as const)(
    '%s is waited for, and ordered again when it has stopped',
    (phase) => {
      const underWay = target(phase, { ...SEEN, settled: false });
      expect(next(source('Stopped'), underWay, { record: COMMIT })).toMatchObject({ kind: 'wait' });
      const halted = target(phase, { ...SEEN, ...failed('ArcFailed') });
      expect(next(source('Stopped'), halted, { record: COMMIT })).toEqual(activate);
    },
  );

  test('an unreachable target is presumed activated: the source stays stopped', () => {
    for (const s of [source('Stopped'), UNREACHABLE]) {
      expect(next(s, UNREACHABLE, { record: COMMIT })).toMatchObject({ kind: 'wait' });
    }
  });

  test('when the target runs, the source is released', () => {
    const active = target('Active', SEEN);
    expect(next(source('Stopped'), active, { record: COMMIT })).toEqual(release);
    const releasing = source('Releasing', { ...SEEN, settled: false });
    expect(next(releasing, active, { record: COMMIT })).toMatchObject({ kind: 'wait' });
    const halted = source('Releasing', { ...SEEN, ...failed('WorkloadFailed') });
    expect(next(halted, active, { record: COMMIT })).toEqual(release);
    expect(next(UNREACHABLE, active, { record: COMMIT })).toMatchObject({ kind: 'wait' });
  });

  test('when the source is released, the migration has succeeded', () => {
    expect(next(source('Released', SEEN), target('Active', SEEN), { record: COMMIT })).toEqual({
      kind: 'finish',
      phase: 'Succeeded',
      failure: null,
    });
  });

  const strange: readonly SessionView['phase'][] = ['Fenced', 'Preparing', 'Loading', 'Verifying'];

  test.each(strange)('a target that is %s is not the one that promised: only a person can help', (phase) => {
    expect(next(source('Stopped'), target(phase), { record: COMMIT })).toMatchObject({
      kind: 'stall',
      failure: { code: 'TargetLost' },
    });
  });

  test('a source that is neither stopped nor released while the target runs is never touched', () => {
    for (const phase of ['Fenced', 'Prepared', 'PreCopy', 'RolledBack'] as const) {
      expect(next(source(phase), target('Active', SEEN), { record: COMMIT })).toMatchObject({
        kind: 'stall',
        failure: { code: 'RecordMissing' },
      });
    }
  });
});

describe('after Commit: Revert only when no target device was ever ordered out of Stop', () => {
  const lost = (phase: SessionView['phase'], change: Partial<SessionView> = {}): SessionView =>
    withDevice(target(phase, { ...failed('DeviceStateLost'), ...change }), 0, { lost: true });

  test('a target that lost a device while Verified is reset first, which its journal refuses to undo', () => {
    expect(next(source('Stopped'), lost('Verified'), { record: COMMIT })).toEqual({
      kind: 'commandTarget',
      command: { kind: 'discard', decision: 'Commit' },
    });
  });

  test('no Revert is recorded while a RESET is outstanding', () => {
    const resetting = lost('Discarding', { ...SEEN, settled: false });
    expect(next(source('Stopped'), resetting, { record: COMMIT })).toMatchObject({ kind: 'wait' });
    const halted = lost('Discarding', SEEN);
    expect(next(source('Stopped'), halted, { record: COMMIT })).toMatchObject({
      command: { kind: 'discard' },
    });
  });

  test('when every device was RESET, Revert is recorded with what was lost', () => {
    const gone = target('Discarded', { ...SEEN, ...failed('DeviceStateLost') });
    expect(next(source('Stopped'), gone, { record: COMMIT })).toEqual({
      kind: 'recordDecision',
      from: 'Commit',
      to: 'Revert',
      reason: 'DeviceStateLost: DeviceStateLost of the test',
    });
  });

  test('an unreachable source does not hold up the Revert', () => {
    const gone = target('Discarded', SEEN);
    expect(next(UNREACHABLE, gone, { record: COMMIT })).toMatchObject({
      kind: 'recordDecision',
      to: 'Revert',
    });
  });

  test('V2-28: when a RESET failed, no Revert: the target is lost, and the source stays stopped', () => {
    const gone = withDevice(target('Discarded', SEEN), 1, { quarantined: true, lost: true });
    expect(next(source('Stopped'), gone, { record: COMMIT })).toMatchObject({
      kind: 'finish',
      phase: 'Failed',
      failure: { code: 'TargetLost', device: 'target/1' },
    });
  });

  test.each(['Activating', 'Starting'] as const)(
    'a device lost in %s ends as TargetLost: the source stays stopped',
    (phase) => {
      for (const s of [source('Stopped'), UNREACHABLE]) {
        expect(next(s, lost(phase, SEEN), { record: COMMIT })).toMatchObject({
          kind: 'finish',
          phase: 'Failed',
          failure: { code: 'TargetLost' },
        });
      }
    },
  );
});

describe.each(['Abort', 'Revert'] as const)('after %s: back', (decision) => {
  const record = { stopping: true, decision, reason: 'StreamCorrupt: a checksum differs' } as const;
  const rollBack = { kind: 'commandSource', command: { kind: 'rollBack', decision } };
  const discard = { kind: 'commandTarget', command: { kind: 'discard', decision } };
  const seen = { decision } as const;

  test.each(['Quiesced', 'Stopping', 'Stopped'] as const)(
    'the source that is %s runs again first',
    (phase) => {
      for (const t of [target('Loading'), target('Verified'), target('Discarded'), UNREACHABLE]) {
        expect(next(source(phase), t, { record })).toEqual(rollBack);
      }
    },
  );

  test.each(['RollingBack', 'Restarting'] as const)(
    '%s is waited for, and ordered again when it has stopped',
    (phase) => {
      const underWay = source(phase, { ...seen, settled: false });
      expect(next(underWay, target('Verified'), { record })).toMatchObject({ kind: 'wait' });
      const halted = source(phase, { ...seen, ...failed('ThawFailed') });
      expect(next(halted, target('Verified'), { record })).toEqual(rollBack);
    },
  );

  test('then the target is reset', () => {
    const home = source('RolledBack', seen);
    expect(next(home, target('Verified'), { record })).toEqual(discard);
    expect(next(home, target('Discarding', { ...seen, settled: false }), { record })).toMatchObject({
      kind: 'wait',
    });
    expect(next(home, target('Discarding', seen), { record })).toEqual(discard);
    expect(next(home, UNREACHABLE, { record })).toMatchObject({ kind: 'wait' });
  });

  test('an unreachable source is waited for, and the target is not touched before it', () => {
    expect(next(UNREACHABLE, target('Verified'), { record })).toMatchObject({ kind: 'wait' });
  });

  test('then it ends as failed, for the reason that was recorded by whoever recorded it', () => {
    expect(next(source('RolledBack', seen), target('Discarded', seen), { record })).toEqual({
      kind: 'finish',
      phase: 'Failed',
      failure: { code: 'StreamCorrupt', message: 'a checksum differs', device: null },
    });
  });

  test('a device that was lost on the way back is what it ends with, and the first error is kept', () => {
    const home = withDevice(source('RolledBack', seen), 1, { lost: true });
    const action = next(home, target('Discarded', seen), { record });
    expect(action).toMatchObject({
      kind: 'finish',
      phase: 'Failed',
      failure: { code: 'DeviceStateLost', device: 'source/1' },
    });
    expect(JSON.stringify(action)).toContain('a checksum differs');
  });

  test('a source whose journal is gone after it was stopped is no source that runs: only a person can help', () => {
    expect(next(source('Fenced'), target('Verified'), { record })).toMatchObject({
      kind: 'stall',
      failure: { code: 'RecordMissing' },
    });
  });
});

describe('a migration that was cancelled', () => {
  const record = { decision: 'Abort', reason: 'Cancelled: the DeviceMigration was deleted' } as const;

  test('ends as Aborted', () => {
    expect(next(source('RolledBack'), target('Discarded'), { record })).toMatchObject({
      kind: 'finish',
      phase: 'Aborted',
      failure: { code: 'Cancelled' },
    });
  });

  test('ends as failed when it cost a device its state', () => {
    const home = withDevice(source('RolledBack'), 0, { lost: true });
    expect(next(home, target('Discarded'), { record })).toMatchObject({ phase: 'Failed' });
  });

  test('that never was stopped asks a source that was never prepared for its tombstone', () => {
    expect(next(source('Fenced'), target('Fenced'), { record })).toEqual({
      kind: 'commandSource',
      command: { kind: 'rollBack', decision: 'Abort' },
    });
  });
});

describe('a migration that was given up before a device was bound', () => {
  const record = { decision: 'Abort', reason: 'DeviceBusy: belongs to another' } as const;
  const seen = { decision: 'Abort' } as const;
  const neverBound = { ...seen, devices: [] };

  test('is given a tombstone at either side, which no order of before gets past', () => {
    expect(next(source('Fenced', seen), target('Fenced', seen), { record })).toEqual({
      kind: 'commandSource',
      command: { kind: 'rollBack', decision: 'Abort' },
    });
    expect(next(source('RolledBack', neverBound), target('Fenced', seen), { record })).toEqual({
      kind: 'commandTarget',
      command: { kind: 'discard', decision: 'Abort' },
    });
  });

  test('ends as rejected, for the reason that was recorded', () => {
    expect(next(source('RolledBack', neverBound), target('Discarded', neverBound), { record })).toEqual({
      kind: 'finish',
      phase: 'Rejected',
      failure: { code: 'DeviceBusy', message: 'belongs to another', device: null },
    });
  });

  test.each([
    ['source', source('RolledBack', seen), target('Discarded', neverBound)],
    ['target', source('RolledBack', neverBound), target('Discarded', seen)],
  ] as const)('ends as failed when the %s had bound one after all', (_, s, t) => {
    expect(next(s, t, { record })).toMatchObject({ phase: 'Failed', failure: { code: 'DeviceBusy' } });
  });

  test('ends as failed when the target cannot say so, or was not the first', () => {
    const s = source('RolledBack', neverBound);
    expect(next(s, UNREACHABLE, { record, targetFenced: true })).toMatchObject({ phase: 'Failed' });
    const left = [
      {
        node: 'node-b',
        fenced: false,
        side: { kind: 'session', session: target('Discarded'), refusal: null },
      },
    ] as const;
    expect(next(s, target('Discarded', neverBound), { record, left })).toMatchObject({ phase: 'Failed' });
  });
});

describe('a record behind a journal is obeyed by nobody', () => {
  const behind: readonly [string, SessionView, SessionView, object][] = [
    [
      'the target has seen Commit, nothing is recorded',
      source('Stopped'),
      target('Active', SEEN),
      { stopping: true },
    ],
    [
      'the target has seen Commit, Abort is recorded',
      source('Stopped'),
      target('Active', SEEN),
      { stopping: true, decision: 'Abort' },
    ],
    [
      'the source has seen Commit, nothing is recorded',
      source('Released', SEEN),
      target('Active', SEEN),
      { stopping: true },
    ],
    [
      'the source has seen Abort, Commit is recorded',
      source('RolledBack', { decision: 'Abort' }),
      target('Verified'),
      { stopping: true, decision: 'Commit' },
    ],
    [
      'the source has seen Revert, Commit is recorded',
      source('RolledBack', { decision: 'Revert' }),
      target('Discarded', SEEN),
      { stopping: true, decision: 'Commit' },
    ],
    ['the source was stopped and no stop is recorded', source('Stopped'), target('Verified'), {}],
    ['the source was ordered to stop and no stop is recorded', source('Stopping'), target('Loading'), {}],
  ];

  test.each(behind)('%s', (_, s, t, record) => {
    const regressed = { kind: 'stall', failure: { code: 'RecordRegressed' } };
    expect(next(s, t, { record })).toMatchObject(regressed);
    expect(next(s, t, { record: { ...record, deletionRequested: true } })).toMatchObject(regressed);
  });

  test('one side that answers is enough to see it', () => {
    const record = { stopping: true, deletionRequested: true };
    expect(next(UNREACHABLE, target('Active', SEEN), { record })).toMatchObject({
      kind: 'stall',
      failure: { code: 'RecordRegressed' },
    });
  });

  test('what this process has read or written itself is enough, though no agent tells of it', () => {
    const record = { stopping: true };
    const given = { record, decided: 'Commit', expired: failure('AgentUnreachable', 'silent') } as const;
    expect(next(source('Stopped'), UNREACHABLE, given)).toMatchObject({
      kind: 'stall',
      failure: {
        code: 'RecordRegressed',
        message: 'this operator has seen Commit and the record says Undecided',
      },
    });
  });

  test('a fence that went back is no other operator', () => {
    expect(next(source('Prepared'), target('Loading'), { record: { fence: FENCE - 1 } })).toMatchObject({
      kind: 'stall',
      failure: { code: 'RecordRegressed' },
    });
  });

  test('a record that is ahead of the journals is the ordinary case', () => {
    const record = { stopping: true, decision: 'Revert' } as const;
    expect(next(source('Stopped'), target('Discarded', SEEN), { record })).toEqual({
      kind: 'commandSource',
      command: { kind: 'rollBack', decision: 'Revert' },
    });
  });
});
