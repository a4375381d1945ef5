import { describe, expect, test } from '@jest/globals';
import { failed, next, source, target, UNREACHABLE, withDevice } from './fixture.ts';

/** The node of the target carries the taint node.kubernetes.io/out-of-service. */
const targetFenced = true;
const COMMIT = { stopping: true, decision: 'Commit', reason: 'generation 1 verified' } as const;
const REASON = 'AgentUnreachable: no answer for 31 s';

describe.each(['Abort', 'Revert'] as const)('after %s, a target that is shut down', (decision) => {
  const record = { stopping: true, decision, reason: REASON };
  const home = source('RolledBack', { decision });

  test('is not waited for: the migration ends with what it was given up for', () => {
    expect(next(home, UNREACHABLE, { record, targetFenced })).toEqual({
      kind: 'finish',
      phase: 'Failed',
      failure: { code: 'AgentUnreachable', message: 'no answer for 31 s', device: null },
    });
  });

  test('does not hide that a device of the source was lost on the way back', () => {
    const cost = withDevice(home, 0, { lost: true });
    expect(next(cost, UNREACHABLE, { record, targetFenced })).toMatchObject({
      kind: 'finish',
      failure: { code: 'DeviceStateLost', device: 'source/0' },
    });
  });

  test('is still reset while it answers: the taint is not true of it yet, or no more', () => {
    expect(next(home, target('Verified'), { record, targetFenced })).toEqual({
      kind: 'commandTarget',
      command: { kind: 'discard', decision },
    });
  });

  test('changes nothing for a source that does not run yet, or does not answer', () => {
    expect(next(source('Stopped'), UNREACHABLE, { record, targetFenced })).toEqual({
      kind: 'commandSource',
      command: { kind: 'rollBack', decision },
    });
    expect(next(UNREACHABLE, UNREACHABLE, { record, targetFenced })).toMatchObject({ kind: 'wait' });
  });

  test('is waited for without the taint', () => {
    expect(next(home, UNREACHABLE, { record })).toMatchObject({ kind: 'wait' });
  });
});

describe('after Commit, a target that is shut down', () => {
  test('is presumed to have run: it is lost, and the source is told nothing', () => {
    for (const s of [source('Stopped'), UNREACHABLE]) {
      expect(next(s, UNREACHABLE, { record: COMMIT, targetFenced })).toMatchObject({
        kind: 'finish',
        phase: 'Failed',
        failure: { code: 'TargetLost' },
      });
      expect(next(s, UNREACHABLE, { record: COMMIT })).toMatchObject({ kind: 'wait' });
    }
  });

  test('did run when the source is being released, which goes on', () => {
    const releasing = source('Releasing', { decision: 'Commit', ...failed('WorkloadFailed') });
    expect(next(releasing, UNREACHABLE, { record: COMMIT, targetFenced })).toEqual({
      kind: 'commandSource',
      command: { kind: 'release', decision: 'Commit' },
    });
    const released = source('Released', { decision: 'Commit' });
    expect(next(released, UNREACHABLE, { record: COMMIT, targetFenced })).toMatchObject({
      kind: 'finish',
      phase: 'Succeeded',
    });
  });

  test('is asked as long as it answers', () => {
    const told = source('Stopped', { decision: 'Commit' });
    expect(next(told, target('Verified'), { record: COMMIT, targetFenced })).toMatchObject({
      kind: 'commandTarget',
      command: { kind: 'activate' },
    });
  });
});

test('before the decision, a target that is shut down is one that does not answer', () => {
  expect(next(source('Stopped'), UNREACHABLE, { record: { stopping: true }, targetFenced })).toMatchObject({
    kind: 'wait',
  });
});
