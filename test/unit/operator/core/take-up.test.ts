import { describe, expect, test } from '@jest/globals';
import { failure, type SessionView, type SideView } from '@transship/operator/core';
import { FENCE, next, PLACED, source, target, UNREACHABLE } from './fixture.ts';

const UNATTACHED = { kind: 'unattached' } as const;
const DECIDED = [
  ['Undecided', {}],
  ['Commit', { decision: 'Commit', stopping: true }],
  ['Abort', { decision: 'Abort', stopping: true }],
  ['Revert', { decision: 'Revert', stopping: true }],
] as const;

describe('taking a migration up', () => {
  test('the finalizer comes before anything that would have to be undone', () => {
    expect(next(UNATTACHED, UNATTACHED, { held: null, record: { finalizerPresent: false } })).toEqual({
      kind: 'addFinalizer',
    });
  });

  test('an object that is deleted before it had a finalizer needs nothing', () => {
    const record = { finalizerPresent: false, deletionRequested: true };
    expect(next(UNATTACHED, UNATTACHED, { held: null, record })).toEqual({ kind: 'none' });
  });

  test('a manifest that breaks a rule is rejected before a fence is raised', () => {
    const refused = failure('SameNode', 'source and target are node-a');
    const record = { fence: 0 };
    expect(next(UNATTACHED, UNATTACHED, { held: null, plan: { refused }, record })).toEqual({
      kind: 'finish',
      phase: 'Rejected',
      failure: refused,
    });
  });

  test('one that another version took up is not ended unseen, for its set may be stopped', () => {
    const refused = failure('UnknownField', 'spec.strategy.flavour');
    const record = { stopping: true };
    expect(next(UNATTACHED, UNATTACHED, { held: null, plan: { refused }, record })).toEqual({
      kind: 'stall',
      failure: refused,
    });
  });

  test('the fence is raised before anything is sent', () => {
    expect(next(UNATTACHED, UNATTACHED, { held: null })).toEqual({ kind: 'raiseFence' });
  });

  describe.each(DECIDED)('with the record at %s', (_, record) => {
    test.each([
      ['neither agent has accepted the held fence', UNATTACHED, UNATTACHED],
      ['the source agent has not', UNATTACHED, target('Verified')],
      ['the target agent has not', source('Stopped'), UNATTACHED],
      ['the source agent has not and the target does not answer', UNATTACHED, UNREACHABLE],
    ] as const)('nothing is concluded while %s', (__, s, t) => {
      expect(next(s, t, { record })).toEqual({ kind: 'attach' });
    });

    test('a process that somebody has superseded yields', () => {
      const known = [source('Stopped'), target('Verified')] as const;
      expect(next(...known, { record, superseded: true })).toEqual({ kind: 'yield' });
      expect(next(...known, { record: { ...record, fence: FENCE + 1 } })).toEqual({ kind: 'yield' });
    });

    test('a record that is behind the fence of an agent was restored, and nobody goes on from it', () => {
      const ahead = { fence: FENCE + 2 };
      for (const sides of [
        [source('Stopped', ahead), target('Verified')],
        [source('Stopped'), target('Verified', ahead)],
      ] as const) {
        expect(next(...sides, { record, superseded: true })).toMatchObject({
          kind: 'stall',
          failure: { code: 'RecordRegressed' },
        });
        // Somebody has raised it since: this process is superseded, and that is all.
        expect(next(...sides, { record: { ...record, fence: FENCE + 2 }, superseded: true })).toEqual({
          kind: 'yield',
        });
      }
    });

    test('an object that has ended loses its finalizer, and then needs nothing', () => {
      const ended = { ...record, ended: true };
      expect(next(source('Stopped'), target('Verified'), { record: ended })).toEqual({
        kind: 'removeFinalizer',
      });
      const free = { ...ended, finalizerPresent: false };
      expect(next(source('Stopped'), target('Verified'), { record: free })).toEqual({ kind: 'none' });
    });
  });
});

describe('placing the set', () => {
  test('preflight and reservation come before any device is touched', () => {
    const placement = { kind: 'unknown' } as const;
    expect(next(source('Fenced'), target('Fenced'), { placement })).toEqual({ kind: 'place' });
  });

  test('a refused placement is rejected: nothing was touched', () => {
    const why = failure('ModelMismatch', 'another model');
    const placement = { kind: 'refused', failure: why } as const;
    const record = { placed: false };
    expect(next(source('Fenced'), target('Fenced'), { placement, record })).toEqual({
      kind: 'finish',
      phase: 'Rejected',
      failure: why,
    });
  });

  test('once the placement is recorded, somebody may have gone on with it: tombstones are asked for', () => {
    const why = failure('ModelMismatch', 'another model');
    const placement = { kind: 'refused', failure: why } as const;
    expect(next(source('Fenced'), target('Fenced'), { placement })).toEqual({
      kind: 'recordDecision',
      from: 'Undecided',
      to: 'Abort',
      reason: 'ModelMismatch: another model',
    });
  });

  test('the source is prepared first, with what was placed', () => {
    expect(next(source('Fenced'), target('Fenced'))).toEqual({
      kind: 'commandSource',
      command: { kind: 'prepare', generation: 1, devices: ['source/0', 'source/1'] },
    });
  });

  test('then the target, with the ticket and the way to the source', () => {
    expect(next(source('Prepared'), target('Fenced'))).toEqual({
      kind: 'commandTarget',
      command: {
        kind: 'prepare',
        generation: 1,
        devices: ['target/0', 'target/1'],
        pull: { endpoint: 'node-a:7443', node: 'node-a', ticket: 'ticket', bandwidthLimit: 1000 },
      },
    });
  });

  test('a process that was restarted in between finds the placement again before it prepares the target', () => {
    const placement = { kind: 'unknown' } as const;
    expect(next(source('Prepared'), target('Fenced'), { placement })).toEqual({ kind: 'place' });
  });

  test('the same before it prepares the target for another generation: the way to the source is placed with the set', () => {
    const placement = { kind: 'unknown' } as const;
    const s = source('Stopping', { generation: 2, settled: false });
    expect(next(s, target('Loading'), { placement, record: { stopping: true } })).toEqual({ kind: 'place' });
  });

  test('a source that has forgotten what the target knows is no source to go on with', () => {
    const placement = { kind: 'unknown' } as const;
    expect(next(source('Fenced'), target('Loading'), { placement })).toMatchObject({
      kind: 'stall',
      failure: { code: 'RecordMissing' },
    });
  });

  const refusal = failure('DeviceBusy', 'belongs to another');
  const refused = (session: SessionView): SideView => ({ kind: 'session', session, refusal });

  test('a source that refuses to begin ends the migration: its refusal is kept first', () => {
    expect(next(refused(source('Fenced')), target('Fenced'))).toEqual({
      kind: 'recordDecision',
      from: 'Undecided',
      to: 'Abort',
      reason: 'DeviceBusy: belongs to another',
    });
  });

  test('when the target refuses to begin, the source is bound already and is let go first', () => {
    expect(next(source('Prepared'), refused(target('Fenced')))).toEqual({
      kind: 'commandSource',
      command: { kind: 'rollBack', decision: 'Undecided' },
    });
  });

  test('a refusal of a later order is no reason to give up', () => {
    expect(next(refused(source('Prepared')), target('Loading'), { placement: PLACED })).toMatchObject({
      kind: 'commandSource',
    });
  });
});
