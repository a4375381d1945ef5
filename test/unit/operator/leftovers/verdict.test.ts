import { describe, expect, test } from '@jest/globals';
import { deviceMigrationStatus } from '@transship/crds';
import { unknownSession, type SessionSnapshot } from '@transship/node-agent/contract';
import { heldSource, targetNodes, verdictOn } from '@transship/operator/internal/leftovers/verdict';
import { target } from '../core/fixture.ts';
import { KEY, MemoryStore } from '../reconcile/memory-store.ts';

type Phase = SessionSnapshot['phase'];

/** A record that has ended by this decision; `left`: nodes of targets that it left before. */
function ended(value: 'Commit' | 'Abort' | 'Revert', left: readonly string[] = []) {
  const { stored } = new MemoryStore();
  if (stored === null) throw new Error('no record');
  const abandoned = left.map((nodeName) => ({ nodeName, code: 'AgentUnreachable', message: 'silent' }));
  const status = deviceMigrationStatus.parse({
    fence: 3,
    phase: 'Failed',
    completedAt: '2026-01-01T00:00:00Z',
    decision: { value },
    ...(left.length > 0 ? { target: { nodeName: 'gpu-c', generation: 2, abandoned } } : {}),
  });
  return { ...stored, key: KEY, status };
}

const session = (phase: Phase, change: { lost?: boolean; settled?: boolean } = {}): SessionSnapshot => {
  const view = target(phase);
  const devices = view.devices.map((device) => ({ ...device, lost: change.lost ?? false }));
  return { ...unknownSession('uid-1', 'target', 'agent'), ...view, devices, settled: change.settled ?? true };
};

describe('by Abort or Revert', () => {
  test.each(['Preparing', 'Loading', 'Verifying', 'Verified', 'Discarding'] as const)(
    'a target that is %s is reset',
    (phase) => {
      for (const decision of ['Abort', 'Revert'] as const)
        expect(verdictOn(ended(decision), 'gpu-b', session(phase))).toEqual({ kind: 'discard', decision });
    },
  );

  test.each(['Activating', 'Starting'] as const)(
    'a target that is %s is a person’s, unless it is lost',
    (phase) => {
      expect(verdictOn(ended('Revert'), 'gpu-b', session(phase))).toMatchObject({
        kind: 'person',
        failure: { code: 'TargetLost', message: expect.stringContaining('switch gpu-b off for good') },
      });
      expect(verdictOn(ended('Revert'), 'gpu-b', session(phase, { lost: true }))).toEqual({
        kind: 'discard',
        decision: 'Revert',
      });
    },
  );
});

describe('by Commit', () => {
  test.each(['Verified', 'Activating', 'Starting'] as const)('a target that is %s is a person’s', (phase) => {
    for (const lost of [false, true]) {
      const verdict = verdictOn(ended('Commit'), 'gpu-b', session(phase, { lost }));
      expect(verdict).toMatchObject({
        kind: 'person',
        failure: { message: expect.stringContaining('transship recover default/trainer-0 --source') },
      });
    }
  });

  test('a target that was left for another one before is reset', () => {
    const record = ended('Commit', ['gpu-b']);
    expect(verdictOn(record, 'gpu-b', session('Verified'))).toEqual({ kind: 'discard', decision: 'Abort' });
    const told = { ...session('Verified'), decision: 'Commit' as const };
    expect(verdictOn(record, 'gpu-b', told)).toEqual({ kind: 'discard', decision: 'Commit' });
    expect(verdictOn(record, 'gpu-c', session('Verified'))).toMatchObject({ kind: 'person' });
    expect(new Set(targetNodes(record))).toEqual(new Set(['gpu-b', 'gpu-c']));
  });
});

describe('a source that its migration succeeded without', () => {
  /** A record that has succeeded; `held`: it says that its source was not released. */
  const succeeded = (held: boolean) => {
    const record = ended('Commit');
    const condition = {
      type: 'SourceNotReleased',
      status: 'True',
      reason: 'DeclaredDead',
      message: '',
    } as const;
    const conditions = held ? [{ ...condition, lastTransitionTime: '2026-01-01T00:00:00Z' }] : [];
    return { ...record, status: { ...record.status, phase: 'Succeeded' as const, conditions } };
  };
  const source = (phase: Phase, settled = true) => ({
    ...session(phase, { settled }),
    role: 'source' as const,
  });

  test.each([
    ['Stopped', true, 'release'],
    ['Releasing', true, 'release'],
    ['Releasing', false, 'none'],
    ['Released', true, 'none'],
    ['RolledBack', true, 'none'],
    ['RollingBack', true, 'person'],
    ['PreCopy', true, 'person'],
  ] as const)('that is %s (settled: %s): %s', (phase, settled, kind) => {
    expect(verdictOn(succeeded(true), 'gpu-a', source(phase, settled))).toMatchObject({ kind });
  });

  test('is looked for at its node, and only when the record says that it was not released', () => {
    expect(heldSource(succeeded(true))).toEqual(['gpu-a']);
    expect(heldSource(succeeded(false))).toEqual([]);
    expect(verdictOn(succeeded(false), 'gpu-a', source('Stopped'))).toEqual({ kind: 'none' });
    expect(verdictOn(succeeded(true), 'gpu-b', source('Stopped'))).toEqual({ kind: 'none' });
  });
});

test('what holds nothing, is on its way, is no target, or has a record that goes on is let be', () => {
  const let_ = { kind: 'none' };
  for (const phase of ['Fenced', 'Active', 'Discarded'] as const)
    expect(verdictOn(ended('Abort'), 'gpu-b', session(phase))).toEqual(let_);
  expect(verdictOn(ended('Abort'), 'gpu-b', session('Discarding', { settled: false }))).toEqual(let_);
  expect(verdictOn(ended('Abort'), 'gpu-b', { ...session('Verified'), role: 'source' })).toEqual(let_);
  const { completedAt: _, ...goesOn } = ended('Abort').status;
  expect(verdictOn({ ...ended('Abort'), status: goesOn }, 'gpu-b', session('Verified'))).toEqual(let_);
});
