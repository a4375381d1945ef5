import { describe, expect, test } from '@jest/globals';
import { failure, type LeftTarget, type SessionView, type SideView } from '@transship/operator/core';
import { failed, next, source, target, UNREACHABLE, withDevice } from './fixture.ts';

const nextTarget = 'gpu-c';
const STOPPING = { stopping: true } as const;
const NEVER_ANSWERED = { ...failure('AgentUnreachable', 'no answer for 30 s'), of: 'target' } as const;

const leave = (generation: number, code: string): object => ({
  kind: 'recordTarget',
  nodeName: nextTarget,
  generation,
  why: expect.objectContaining({ code }),
});

describe('a target is left for the next node', () => {
  const lost = withDevice(target('Verified'), 0, { lost: true });
  test.each([
    ['with its retries used up', target('Loading', { generation: 2, ...failed('StreamCorrupt') }), 3],
    ['that gave the set up', target('Discarded', failed('OperatorLost')), 2],
    ['with a device in quarantine', withDevice(target('Preparing'), 0, { quarantined: true }), 2],
    ['that lost what it had verified', lost, 2],
  ])('%s', (_what, t, generation) => {
    const s = source('Stopped', { generation: t.generation });
    expect(next(s, t, { record: STOPPING, nextTarget })).toEqual(
      leave(generation, t.error?.code ?? (t === lost ? 'DeviceStateLost' : 'ResetFailed')),
    );
  });

  test('that does not answer, above every generation that it may have been given', () => {
    const given = { record: STOPPING, nextTarget, expired: NEVER_ANSWERED };
    expect(next(source('Stopped'), UNREACHABLE, given)).toEqual(leave(3, 'AgentUnreachable'));
  });

  test.each(['Prepared', 'PreCopy', 'Quiesced', 'Stopping', 'Stopped'] as const)(
    'while the source is %s, which begins a generation of its own for the new one',
    (phase) => {
      const record = { ...STOPPING, firstGeneration: 3 };
      const placement = { kind: 'unknown' } as const;
      expect(next(source(phase), target('Fenced'), { record, placement })).toEqual({ kind: 'place' });
      const action = next(source(phase), target('Fenced'), { record });
      expect(action).toMatchObject({ command: { generation: 3 } });
      expect(action.kind).toBe(phase === 'Prepared' ? 'commandTarget' : 'commandSource');
    },
  );

  test('with retries of its own', () => {
    const t = target('Loading', { generation: 3, ...failed('StreamCorrupt') });
    const s = source('Stopped', { generation: 3 });
    const record = { ...STOPPING, firstGeneration: 3 };
    expect(next(s, t, { record })).toMatchObject({ command: { kind: 'stop', generation: 4 } });
  });
});

describe('a target is not left', () => {
  const given = { record: STOPPING, nextTarget, expired: NEVER_ANSWERED };

  test('when a device of the source is lost: nothing can be saved any more', () => {
    const s = withDevice(source('Stopped'), 0, { lost: true });
    expect(next(s, UNREACHABLE, given)).toMatchObject({ kind: 'recordDecision', to: 'Abort' });
  });

  test('while the source does not answer either', () => {
    expect(next(UNREACHABLE, UNREACHABLE, given)).toMatchObject({ kind: 'wait' });
  });

  test('for a source that does not answer for as long: the set is given up', () => {
    const gaveUp = target('Discarded', failed('OperatorLost'));
    const silent = { ...failure('AgentUnreachable', 'no answer for 30 s'), of: 'source' } as const;
    expect(next(UNREACHABLE, gaveUp, { record: STOPPING, nextTarget })).toMatchObject({ kind: 'wait' });
    expect(next(UNREACHABLE, gaveUp, { record: STOPPING, nextTarget, expired: silent })).toMatchObject({
      to: 'Abort',
    });
  });

  test('when the source has used its retries up too: what it breaks off fails at every target', () => {
    const s = source('Stopping', { generation: 2, ...failed('ArcFailed') });
    const t = target('Loading', { generation: 2, ...failed('StreamCorrupt') });
    expect(next(s, t, { record: STOPPING, nextTarget })).toMatchObject({
      to: 'Abort',
      reason: expect.stringContaining('ArcFailed'),
    });
  });

  test('for what the source did, or when the object was deleted', () => {
    const expired = { ...NEVER_ANSWERED, of: 'source' } as const;
    expect(next(source('Stopped'), target('Loading'), { ...given, expired })).toMatchObject({ to: 'Abort' });
    const record = { ...STOPPING, deletionRequested: true };
    expect(next(source('Stopped'), UNREACHABLE, { ...given, record })).toMatchObject({ to: 'Abort' });
  });

  test('once the decision is recorded, or without another node', () => {
    const record = { ...STOPPING, decision: 'Commit' } as const;
    expect(next(source('Stopped'), UNREACHABLE, { ...given, record })).toMatchObject({ kind: 'wait' });
    expect(next(source('Stopped'), UNREACHABLE, { ...given, nextTarget: null })).toMatchObject({
      to: 'Abort',
    });
  });
});

describe('before a decided migration ends', () => {
  const record = { ...STOPPING, decision: 'Commit' } as const;
  const left = (side: SideView | SessionView, fenced = false): LeftTarget[] => [
    {
      node: 'gpu-b',
      side: 'kind' in side ? side : { kind: 'session', session: side, refusal: null },
      fenced,
    },
  ];
  const end = (one: LeftTarget[]) => next(source('Released'), target('Active'), { record, left: one });
  const discard = { kind: 'discardLeft', nodeName: 'gpu-b', decision: 'Commit' };

  test.each([{ kind: 'unattached' } as const, target('Fenced'), target('Verified'), target('Discarding')])(
    'what was left is discarded: %j',
    (side) => expect(end(left(side))).toEqual(discard),
  );

  test('it is waited for, unless it is Discarded or its node is out of service', () => {
    expect(end(left(UNREACHABLE))).toMatchObject({ kind: 'wait', on: expect.stringContaining('gpu-b') });
    expect(end(left(target('Discarding', { settled: false })))).toMatchObject({ kind: 'wait' });
    for (const clear of [left(UNREACHABLE, true), left(target('Discarded'))])
      expect(end(clear)).toMatchObject({ kind: 'finish', phase: 'Succeeded' });
  });

  test('one that says that it was started is no target that this record left', () => {
    expect(end(left(target('Activating')))).toMatchObject({
      kind: 'stall',
      failure: { code: 'RecordRegressed' },
    });
  });

  test('a set that is lost is told of, however long the one that was left is away', () => {
    const dead = { record, targetFenced: true, left: left(UNREACHABLE) };
    expect(next(source('Stopped'), UNREACHABLE, dead)).toMatchObject({
      kind: 'stall',
      failure: { code: 'TargetLost' },
    });
  });
});
