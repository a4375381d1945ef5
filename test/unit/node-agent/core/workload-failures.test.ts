import { describe, expect, test } from '@jest/globals';
import { sourceAt, targetAt } from '../../../support/core-voyages.ts';
import { expectEveryEnd, expectWaiting, expectWhole } from './outcome.ts';

const UNDECIDED = { kind: 'rollBack', decision: 'Undecided' } as const;
const COMMIT = { kind: 'discard', decision: 'Commit' } as const;
const LOST = { kind: 'operatorLost' } as const;

const ABORT = { kind: 'rollBack', decision: 'Abort' } as const;

describe('a workload that does not obey', () => {
  test.each([false, true])(
    'V1-15: a failed freeze turns the set round before any device moved (pre-copy: %s)',
    (preCopy) => {
      const node = sourceAt('Quiescing', { devices: 2, stopCopy: !preCopy });
      node.finish('workload', 'refused');
      expectEveryEnd(node, (end) => {
        expectWhole(end);
        expect(end.error).toBe('FreezeFailed');
      });
    },
  );

  test('a freeze of which nothing is known any more is answered by a thaw', () => {
    const node = sourceAt('Quiescing', { devices: 2 });
    node.workload = 'frozen';
    node.finish('workload', 'unanswered');
    expectEveryEnd(node, (end) => {
      expectWhole(end);
      expect(end.orders).toContain('thaw');
    });
  });

  test.each(['refused', 'unanswered'] as const)(
    'a thaw that is %s on the way back is tried again by the same command',
    (outcome) => {
      const node = sourceAt('Restarting', { devices: 2 }).settle({ leave: ['workload'] });
      node.finish('workload', outcome);
      expectWaiting(node, 'Restarting', 'ThawFailed');
      expect(node.send(ABORT)).toBeNull();
      expectEveryEnd(node, expectWhole);
    },
  );

  test.each(['refused', 'unanswered'] as const)(
    'a thaw that is %s before the stop is tried again by the same command',
    (outcome) => {
      const node = sourceAt('Quiesced', { devices: 2 });
      node.send({ kind: 'rollBack', decision: 'Undecided' });
      node.settle({ leave: ['workload'] });
      node.finish('workload', outcome);
      expectWaiting(node, 'RollingBack', 'ThawFailed');
      expect(node.send({ kind: 'rollBack', decision: 'Undecided' })).toBeNull();
      expectEveryEnd(node, expectWhole);
    },
  );
});

describe('a workload that has ended', () => {
  test('on the way back from a stop holds its devices up no longer', () => {
    const node = sourceAt('Restarting', { devices: 2 }).settle({ leave: ['workload'] });
    node.finish('workload', 'gone');
    expect(node.view).toMatchObject({ phase: 'RolledBack', settled: true });
    expect(node.error).toBe('WorkloadFailed');
    expect(node.states).toEqual(['Running', 'Running']);
  });

  test('on the way back from before the stop lets every device home, in every order', () => {
    const node = sourceAt('Quiesced', { devices: 2 });
    node.send(UNDECIDED);
    node.finish('workload', 'gone');
    expectEveryEnd(node, (end) => {
      expect(end.view).toMatchObject({ phase: 'RolledBack', error: { code: 'WorkloadFailed' } });
      expect(end.states).toEqual(['Running', 'Running']);
      expect(end.orders.filter((order) => order === 'thaw')).toHaveLength(1);
    });
  });

  test('is no error where another one came first', () => {
    const node = sourceAt('Stopping', { devices: 2 });
    node.finish(0, 'refused');
    node.settle();
    node.send(ABORT);
    node.settle({ leave: ['workload'] });
    node.finish('workload', 'gone');
    expect(node.view).toMatchObject({ phase: 'RolledBack', error: { code: 'ArcFailed' } });
  });

  test('is found by an agent that comes back on the way home, and not thawed', () => {
    const node = sourceAt('Restarting', { devices: 2 }).settle({ leave: ['workload'] });
    node.workload = 'discarded';
    node.restart();
    expectEveryEnd(node, (end) => {
      expect(end.view).toMatchObject({ phase: 'RolledBack', error: { code: 'WorkloadFailed' } });
      expect(end.states).toEqual(['Running', 'Running']);
    });
  });

  test('when the deadline policy is to wait ends the attempt', () => {
    const node = sourceAt('Unquiescing', { devices: 2, wait: true });
    node.finish('workload', 'gone');
    expectEveryEnd(node, (end) => {
      expect(end.phase).toBe('RolledBack');
      expect(end.states).toEqual(['Running', 'Running']);
    });
  });

  test('at the target after activation was ordered is a lost target, not a thaw without end', () => {
    const node = targetAt('Starting').settle({ leave: ['workload'] });
    node.finish('workload', 'gone');
    expectWaiting(node, 'Starting', 'WorkloadFailed');
    expect(node.view.devices.map(({ lost }) => lost)).toEqual([true, true]);
    expect(node.send({ kind: 'activate', decision: 'Commit' })?.code).toBe('DeviceStateLost');
  });
});

describe('a workload on the way home of an agent that is alone', () => {
  test.each(['RollingBack', 'Restarting'] as const)('is asked to go on again in %s', (phase) => {
    const node = phase === 'Restarting' ? sourceAt('Restarting') : sourceAt('Quiesced');
    if (phase === 'RollingBack') node.send(UNDECIDED);
    node.settle({ leave: ['workload'] });
    node.finish('workload', 'refused');
    expectWaiting(node, phase, 'ThawFailed');
    node.event(LOST);
    expectEveryEnd(node, expectWhole);
  });
});

describe('a workload at a target that is given up after Commit', () => {
  const given = (decision: 'Commit' | 'Revert' = 'Commit'): ReturnType<typeof targetAt> => {
    const node = targetAt('Verified');
    node.workload = 'running';
    expect(node.send({ kind: 'activate', decision: 'Commit' })?.code).toBe('WorkloadFailed');
    expect(node.send({ kind: 'discard', decision })).toBeNull();
    return node;
  };

  // Revert: a person has recorded it, and has the target reset afterwards.
  test.each(['Commit', 'Revert'] as const)('is stopped and ended when it runs, on %s', (decision) => {
    expectEveryEnd(given(decision), (end) => {
      expect(end.phase).toBe('Discarded');
      expect(end.workload).toBe('discarded');
    });
  });

  test.each(['refused', 'unanswered'] as const)(
    'that is not stopped (%s) holds the way back shut',
    (outcome) => {
      const node = given();
      node.finish('workload', outcome);
      node.settle();
      expect(node.view).toMatchObject({ phase: 'Discarding', settled: true });
      expect(node.send(COMMIT)).toBeNull();
      expectEveryEnd(node, (end) => expect(end).toMatchObject({ phase: 'Discarded', workload: 'discarded' }));
    },
  );

  test('that runs although it was thought frozen is found when it refuses to end', () => {
    const node = targetAt('Verified');
    node.reopen(0);
    expect(node.send(COMMIT)).toBeNull();
    node.workload = 'running';
    node.finish('workload', 'refused');
    node.settle();
    expect(node.view).toMatchObject({ phase: 'Discarding', settled: true });
    node.send(COMMIT);
    expectEveryEnd(node, (end) => expect(end).toMatchObject({ phase: 'Discarded', workload: 'discarded' }));
  });

  test('that hangs is still frozen and holds nobody up', () => {
    const node = targetAt('Verified');
    node.reopen(0);
    node.send(COMMIT);
    node.finish('workload', 'unanswered');
    expectEveryEnd(node, (end) => expect(end.phase).toBe('Discarded'));
  });
});
