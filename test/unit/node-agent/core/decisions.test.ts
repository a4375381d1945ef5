import { describe, expect, test } from '@jest/globals';
import type { Decision, SourcePhase, TargetPhase } from '@transship/node-agent/core';
import type { FakeNode } from '../../../support/core-harness.ts';
import { sourceAt, targetAt } from '../../../support/core-voyages.ts';
import { expectEveryEnd, expectWhole } from './outcome.ts';

const DECISIONS: readonly Decision[] = ['Undecided', 'Commit', 'Abort', 'Revert'];

/** Refused, with nothing ordered and the phase as it was. */
function expectRefused(node: FakeNode, command: Parameters<FakeNode['send']>[0], code: string): void {
  const { phase } = node;
  const { decision } = node.view;
  const count = node.orders.length;
  expect(node.send(command)).toMatchObject({ code });
  expect(node.view).toMatchObject({ phase, decision });
  expect(node.orders).toHaveLength(count);
}

describe('a stopped source runs again only on a recorded Abort or Revert', () => {
  const cases = (['Stopping', 'Stopped'] as const).flatMap((phase) =>
    DECISIONS.map((decision) => [phase, decision] as const),
  );

  test.each(cases)('%s: rollBack that carries %s', (phase, decision) => {
    const node = sourceAt(phase, { devices: 2 });
    const command = { kind: 'rollBack', decision } as const;
    if (decision === 'Undecided' || decision === 'Commit') {
      expectRefused(node, command, 'IllegalPhase');
      return;
    }
    expect(node.send(command)).toBeNull();
    expect(node.view).toMatchObject({ phase: 'RollingBack', decision });
    expectEveryEnd(node, expectWhole);
  });

  const beforeStop: readonly SourcePhase[] = ['Prepared', 'PreCopying', 'PreCopy', 'Quiescing', 'Quiesced'];

  test.each(beforeStop)('%s: before the stop no record is needed', (phase) => {
    const node = sourceAt(phase, { devices: 2 });
    expect(node.send({ kind: 'rollBack', decision: 'Undecided' })).toBeNull();
    expectEveryEnd(node, expectWhole);
  });
});

describe('a source is released only when it is stopped and Commit is recorded', () => {
  test.each(DECISIONS.filter((decision) => decision !== 'Commit'))(
    'Stopped: release that carries %s',
    (decision) => {
      expectRefused(sourceAt('Stopped', { devices: 2 }), { kind: 'release', decision }, 'IllegalPhase');
    },
  );

  const notStopped: readonly SourcePhase[] = [
    'Fenced',
    'Prepared',
    'PreCopying',
    'PreCopy',
    'Quiescing',
    'Quiesced',
    'Unquiescing',
    'Stopping',
  ];

  test.each(notStopped)('%s: release is refused whatever is recorded', (phase) => {
    expectRefused(sourceAt(phase, { devices: 2 }), { kind: 'release', decision: 'Commit' }, 'IllegalPhase');
  });
});

describe('a source that was told of Commit', () => {
  const told = () => {
    const node = sourceAt('Stopped', { devices: 2 });
    const before = node.orders.length;
    expect(node.send({ kind: 'commit', decision: 'Commit' })).toBeNull();
    expect(node.orders).toHaveLength(before);
    expect(node.view).toMatchObject({ phase: 'Stopped', decision: 'Commit' });
    return node;
  };

  test('keeps it, and repeats its answer', () => {
    expect(told().send({ kind: 'commit', decision: 'Commit' })).toBeNull();
  });

  test('goes back neither for Abort nor to another generation, as a restored record would have it', () => {
    expectRefused(told(), { kind: 'rollBack', decision: 'Abort' }, 'RecordRegressed');
    expectRefused(told(), { kind: 'stop', generation: 2 }, 'RecordRegressed');
  });

  test('goes back on Revert', () => {
    const node = told();
    expect(node.send({ kind: 'rollBack', decision: 'Revert' })).toBeNull();
    expectEveryEnd(node, expectWhole);
  });

  test.each(DECISIONS.filter((decision) => decision !== 'Commit'))('is not told of %s so', (decision) => {
    expectRefused(sourceAt('Stopped', { devices: 2 }), { kind: 'commit', decision }, 'IllegalPhase');
  });

  test.each(['Fenced', 'Prepared', 'Quiesced', 'Stopping'] as const)(
    '%s: there is no Commit yet',
    (phase) => {
      expectRefused(sourceAt(phase, { devices: 2 }), { kind: 'commit', decision: 'Commit' }, 'IllegalPhase');
    },
  );
});

describe('target devices leave Stop only on a recorded Commit', () => {
  test.each(DECISIONS.filter((decision) => decision !== 'Commit'))(
    'Verified: activate that carries %s',
    (decision) => {
      expectRefused(targetAt('Verified', { devices: 2 }), { kind: 'activate', decision }, 'IllegalPhase');
    },
  );

  const notVerified: readonly TargetPhase[] = ['Fenced', 'Preparing', 'Loading', 'Verifying', 'Discarding'];

  test.each(notVerified)('%s: activate is refused, for nothing was promised', (phase) => {
    expectRefused(targetAt(phase, { devices: 2 }), { kind: 'activate', decision: 'Commit' }, 'IllegalPhase');
  });

  test('the decision is journalled with the first arc, and told', () => {
    const node = targetAt('Activating', { devices: 2 });
    expect(node.view.decision).toBe('Commit');
    expect(node.agent?.session.decisionSeen).toBe('Commit');
  });
});

describe('a target is discarded', () => {
  test.each(['Preparing', 'Loading', 'Verifying'] as const)(
    'in %s without any record: nothing was promised',
    (phase) => {
      const node = targetAt(phase, { devices: 2 });
      expect(node.send({ kind: 'discard', decision: 'Undecided' })).toBeNull();
      expectEveryEnd(node, (end) => expect(end.phase).toBe('Discarded'));
    },
  );

  test.each(DECISIONS)('in Verified only on a decision; it carries %s', (decision) => {
    const node = targetAt('Verified', { devices: 2 });
    const command = { kind: 'discard', decision } as const;
    if (decision === 'Undecided') {
      expectRefused(node, command, 'IllegalPhase');
      return;
    }
    expect(node.send(command)).toBeNull();
    expect(node.view).toMatchObject({ phase: 'Discarding', decision });
    expectEveryEnd(node, (end) => {
      expect(end.phase).toBe('Discarded');
      expect(end.devices.some((device) => device.holds)).toBe(false);
    });
  });

  test('never once activation was ordered', () => {
    for (const phase of ['Activating', 'Starting'] as const) {
      for (const decision of ['Commit', 'Revert'] as const) {
        expectRefused(targetAt(phase, { devices: 2 }), { kind: 'discard', decision }, 'IllegalPhase');
      }
    }
  });
});

describe('a record behind the journal stops the migration', () => {
  /** Every decision that may not follow the one seen; only Commit -> Revert goes forward. */
  const behind: readonly [Decision, Decision][] = [
    ['Abort', 'Undecided'],
    ['Abort', 'Commit'],
    ['Abort', 'Revert'],
    ['Revert', 'Undecided'],
    ['Revert', 'Commit'],
    ['Revert', 'Abort'],
  ];

  test.each(behind)('source: %s was seen, then %s: RecordRegressed', (seen, now) => {
    const node = sourceAt('Stopped', { devices: 2 });
    expect(node.send({ kind: 'rollBack', decision: seen })).toBeNull();
    const command = now === 'Commit' ? 'release' : 'rollBack';
    expectRefused(node, { kind: command, decision: now }, 'RecordRegressed');
  });

  test.each(['Undecided', 'Abort', 'Revert'] as const)(
    'a source that is being released refuses %s',
    (now) => {
      const node = sourceAt('Releasing', { devices: 2 });
      const code = now === 'Revert' ? 'IllegalPhase' : 'RecordRegressed';
      expectRefused(node, { kind: 'rollBack', decision: now }, code);
    },
  );

  test.each(['Undecided', 'Abort'] as const)('target: Commit was seen, then %s: RecordRegressed', (now) => {
    expectRefused(
      targetAt('Activating', { devices: 2 }),
      { kind: 'discard', decision: now },
      'RecordRegressed',
    );
  });

  test('target: Revert follows Commit, for that is how a Commit ends whose target never ran', () => {
    const node = targetAt('Verified', { devices: 2 });
    expect(node.send({ kind: 'discard', decision: 'Commit' })).toBeNull();
    expect(node.send({ kind: 'discard', decision: 'Revert' })).toBeNull();
    expect(node.view).toMatchObject({ phase: 'Discarding', decision: 'Revert' });
  });

  test('a refused command leaves no decision behind', () => {
    const node = targetAt('Loading', { devices: 2 });
    expectRefused(node, { kind: 'activate', decision: 'Commit' }, 'IllegalPhase');
    expect(node.send({ kind: 'discard', decision: 'Abort' })).toBeNull();
    expect(node.view.decision).toBe('Abort');
  });
});
