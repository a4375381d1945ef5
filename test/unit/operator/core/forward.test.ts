import { describe, expect, test } from '@jest/globals';
import type { Action, SessionView } from '@transship/operator/core';
import { failure } from '@transship/operator/core';
import { totalsOf, endedStreams } from '../../../support/core-facts.ts';
import { failed, next, PLAN, source, target, UNREACHABLE, withDevice } from './fixture.ts';

const commandSource = (command: object): object => ({ kind: 'commandSource', command });
const commandTarget = (command: object): object => ({ kind: 'commandTarget', command });
const QUIESCE = commandSource({ kind: 'quiesce', timeoutMs: 2000, waitOnTimeout: false });
const STOPPING = { stopping: true };

describe('forward, step by step', () => {
  test('pre-copy begins when the target is in Resuming, not before', () => {
    const preparing = target('Preparing', { settled: false });
    expect(next(source('Prepared'), preparing)).toMatchObject({ kind: 'wait' });
    expect(next(source('Prepared'), target('Loading'))).toEqual(
      commandSource({ kind: 'preCopy', generation: 1 }),
    );
  });

  test('without pre-copy the set is quiesced as soon as the target is in Resuming', () => {
    const plan = { ...PLAN, preCopy: false };
    expect(next(source('Prepared'), target('Loading'), { plan })).toEqual(QUIESCE);
  });

  test('a set of which one device cannot be copied while it runs goes without pre-copy', () => {
    expect(next(withDevice(source('Prepared'), 1, { preCopy: false }), target('Loading'))).toEqual(QUIESCE);
  });

  test('an agent of a version that tells neither protocol nor pre-copy is ordered to pre-copy', () => {
    const untold = { preCopy: false, protocol: '' };
    const old = withDevice(withDevice(source('Prepared'), 0, untold), 1, untold);
    expect(next(old, target('Loading'))).toEqual(commandSource({ kind: 'preCopy', generation: 1 }));
  });

  test('V1-39: pre-copy is left when nothing more is to be gained', () => {
    expect(next(source('PreCopy'), target('Loading'))).toMatchObject({ kind: 'wait' });
    expect(next(source('PreCopy'), target('Loading'), { preCopyDone: true })).toEqual(QUIESCE);
  });

  test('the deadline policy of the manifest goes with the order', () => {
    const plan = { ...PLAN, waitOnDeadline: true, quiesceTimeoutMs: 70 };
    expect(next(source('PreCopy'), target('Loading'), { plan, preCopyDone: true })).toEqual(
      commandSource({ kind: 'quiesce', timeoutMs: 70, waitOnTimeout: true }),
    );
  });

  test('after a quiesce that ran out under Wait, the next one is ordered', () => {
    const again = source('PreCopy', { ...failed('QuiesceTimeout'), quiesceTimeouts: 1 });
    expect(next(again, target('Loading'), { preCopyDone: true })).toEqual(QUIESCE);
  });

  test('stopping is recorded before stop is ordered', () => {
    expect(next(source('Quiesced'), target('Loading'))).toEqual({ kind: 'recordStopping' });
    expect(next(source('Quiesced'), target('Loading'), { record: STOPPING })).toEqual(
      commandSource({ kind: 'stop', generation: 1 }),
    );
  });

  test('verify carries what the source promised, when everything has arrived', () => {
    expect(next(source('Stopped'), target('Loading'), { record: STOPPING })).toEqual(
      commandTarget({ kind: 'verify', generation: 1, expected: totalsOf(2, 1) }),
    );
  });

  test('V1-23: nothing is verified while a stream has not ended', () => {
    const streams = endedStreams(totalsOf(2, 1)).map((stream, index) => ({ ...stream, ended: index > 0 }));
    expect(next(source('Stopped'), target('Loading', { streams }), { record: STOPPING })).toMatchObject({
      kind: 'wait',
    });
  });

  const underWay: readonly [SessionView, SessionView][] = [
    [source('PreCopying', { settled: false }), target('Loading')],
    [source('Quiescing', { settled: false }), target('Loading')],
    [source('Unquiescing', { settled: false }), target('Loading')],
    [source('Stopping', { settled: false }), target('Loading')],
    [source('Stopped'), target('Verifying', { settled: false })],
  ];

  test.each(underWay)('what is under way is waited for', (s, t) => {
    const record = { stopping: s.phase.startsWith('Stop') };
    expect(next(s, t, { record })).toMatchObject({ kind: 'wait' });
  });

  test.each([
    ['source', UNREACHABLE, target('Loading')],
    ['target', source('PreCopy'), UNREACHABLE],
  ] as const)('an unreachable %s is waited for, as long as time is left', (_, s, t) => {
    expect(next(s, t, { preCopyDone: true })).toMatchObject({ kind: 'wait' });
  });
});

describe('Commit', () => {
  const PROMISES = [source('Stopped'), target('Verified')] as const;
  const COMMIT = { kind: 'recordDecision', from: 'Undecided', to: 'Commit' };

  test('is recorded when both have promised the same generation', () => {
    expect(next(...PROMISES, { record: STOPPING })).toMatchObject(COMMIT);
  });

  test('needs the promise of the same generation', () => {
    const newer = source('Stopped', { generation: 2 });
    expect(next(newer, target('Verified'), { record: STOPPING })).not.toMatchObject(COMMIT);
    const older = source('Stopped');
    const verified = target('Verified', { generation: 2 });
    expect(next(older, verified, { record: STOPPING })).not.toMatchObject(COMMIT);
  });

  const phases: readonly [SessionView['phase'], SessionView['phase']][] = [
    ['Quiesced', 'Verified'],
    ['Stopping', 'Verified'],
    ['Stopped', 'Loading'],
    ['Stopped', 'Verifying'],
    ['Stopped', 'Preparing'],
    ['Stopped', 'Fenced'],
  ];

  test.each(phases)('is not recorded at %s and %s', (s, t) => {
    for (const isSettled of [true, false]) {
      const action = next(source(s, { settled: isSettled }), target(t, { settled: isSettled }), {
        record: STOPPING,
      });
      expect(action).not.toMatchObject(COMMIT);
    }
  });

  test.each([
    ['source', UNREACHABLE, target('Verified')],
    ['target', source('Stopped'), UNREACHABLE],
  ] as const)('is not recorded while the %s cannot be asked', (_, s, t) => {
    expect(next(s, t, { record: STOPPING })).toMatchObject({ kind: 'wait' });
  });

  test('deadlines are last checked before the decision is sent', () => {
    const expired = failure('DeadlineExceeded', 'too late');
    expect(next(...PROMISES, { record: STOPPING, expired })).toEqual({
      kind: 'recordDecision',
      from: 'Undecided',
      to: 'Abort',
      reason: 'DeadlineExceeded: too late',
    });
  });

  test('no deadline counts once the decision is recorded', () => {
    const expired = failure('DeadlineExceeded', 'too late');
    const record = { stopping: true, decision: 'Commit' } as const;
    expect(next(...PROMISES, { record, expired })).toEqual(
      commandSource({ kind: 'commit', decision: 'Commit' }) as Action,
    );
  });
});
