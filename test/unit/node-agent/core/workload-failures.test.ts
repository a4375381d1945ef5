import { describe, expect, test } from '@jest/globals';
import { sourceAt } from '../../../support/core-voyages.ts';
import { expectEveryEnd, expectWaiting, expectWhole } from './outcome.ts';

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
