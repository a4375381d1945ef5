import { describe, expect, test } from '@jest/globals';
import type { SourcePhase } from '@transship/node-agent/core';
import type { FakeNode } from '../../../support/core-harness.ts';
import { QUIESCE, sourceAt, STOP } from '../../../support/core-voyages.ts';
import { expectEveryEnd, expectLost, expectWaiting, expectWhole } from './outcome.ts';

const expire = (node: FakeNode): void => void node.event({ kind: 'quiesceDeadline' });

describe('a quiesce past its deadline, policy Abort', () => {
  test.each([false, true])('thaws first and rolls the set back whole (pre-copy: %s)', (preCopy) => {
    const node = sourceAt('Quiescing', { devices: 3, stopCopy: !preCopy });
    node.finish('workload');
    const count = node.orders.length;
    expire(node);
    expect(node.orders.slice(count).filter((order) => order !== 'endSaving')).toEqual([
      'disarmQuiesceDeadline',
      'thaw',
    ]);
    expect(node.view).toMatchObject({ phase: 'RollingBack', quiesceTimeouts: 1 });
    expectEveryEnd(node, (end) => {
      expectWhole(end);
      expect(end.error).toBe('QuiesceTimeout');
    });
  });

  test('V2-39: arcs that are out stay the only ones until they return', () => {
    const node = sourceAt('Quiescing', { devices: 2 });
    node.finish('workload');
    expire(node);
    expect(node.jobs).toEqual([0, 1, 'workload']);
    node.finish('workload');
    expect(node.workload).toBe('running');
    expect(node.jobs).toEqual([0, 1]);
  });

  test('a freeze that is still out is thawed as soon as it returns', () => {
    const node = sourceAt('Quiescing', { devices: 2 });
    expire(node);
    expect(node.orders).not.toContain('thaw');
    node.finish('workload');
    expect(node.orders.at(-1)).toBe('thaw');
    expectEveryEnd(node, expectWhole);
  });

  test('a freeze that fails after the deadline is taken back, for it may yet be obeyed; no command is needed', () => {
    const node = sourceAt('Quiescing', { devices: 2 });
    expire(node);
    node.finish('workload', 'refused');
    expectEveryEnd(node, (end) => {
      expectWhole(end);
      expect(end.orders.filter((order) => order === 'thaw')).toHaveLength(1);
    });
  });

  test('devices that refuse because the deadline made them lose nothing by it', () => {
    const node = sourceAt('Quiescing', { devices: 2 });
    node.finish('workload');
    expire(node);
    node.finish(0, 'refused');
    node.finish(1, 'refused');
    expectEveryEnd(node, expectWhole);
  });
});

describe('a quiesce past its deadline, policy Wait', () => {
  test('thaws first, lets the arcs finish, and is back in pre-copy with its session', () => {
    const node = sourceAt('Unquiescing', { devices: 3 });
    expect(node.jobs).toEqual([0, 1, 2, 'workload']);
    expectEveryEnd(node, (end) => {
      expect(end.view).toMatchObject({ phase: 'PreCopy', generation: 1, settled: true, quiesceTimeouts: 1 });
      expect(end.error).toBe('QuiesceTimeout');
      expect(end.states).toEqual(['PreCopy', 'PreCopy', 'PreCopy']);
      expect(end.workload).toBe('running');
      expect(end.orders).not.toContain('endSaving');
    });
  });

  test('V1-20: the next try stops the same saving session, and asks for no other', () => {
    const node = sourceAt('Unquiescing', { devices: 2 }).settle();
    expect(node.send(QUIESCE)).toBeNull();
    expect(node.settle().view).toMatchObject({ phase: 'Quiesced', error: null, quiesceTimeouts: 1 });
    expect(node.send(STOP)).toBeNull();
    expect(node.settle().phase).toBe('Stopped');
    expect(node.orders.filter((order) => order.startsWith('startSaving'))).toEqual(['startSaving 1']);
    expect(node.orders.filter((order) => order.endsWith('-> Stop'))).toEqual([]);
  });

  test('without pre-copy it is back at Prepared', () => {
    const node = sourceAt('Unquiescing', { devices: 2, stopCopy: true });
    expectEveryEnd(node, (end) => {
      expect(end.view).toMatchObject({ phase: 'Prepared', settled: true });
      expect(end.states).toEqual(['Running', 'Running']);
      expect(end.workload).toBe('running');
    });
  });

  test('counts every try', () => {
    const node = sourceAt('Unquiescing', { devices: 2 }).settle();
    node.send({ ...QUIESCE, waitOnTimeout: true });
    node.finish('workload');
    expire(node);
    expect(node.view.quiesceTimeouts).toBe(2);
    expect(node.settle().phase).toBe('PreCopy');
  });

  test('a freeze that is still out is waited for before anything else, and then thawed', () => {
    const node = sourceAt('Quiescing', { devices: 2, wait: true });
    expire(node);
    expect(node.jobs).toEqual(['workload']);
    node.settle();
    expect(node.view).toMatchObject({ phase: 'PreCopy', settled: true });
    expect(node.workload).toBe('running');
  });

  test('V1-33: a device that refuses after all rolls the set back whole', () => {
    const node = sourceAt('Unquiescing', { devices: 3 });
    node.finish(0, 'refused');
    expectEveryEnd(node, expectWhole);
  });

  test('V1-10: a device that goes to Error is reset and named, the others keep all they had', () => {
    const node = sourceAt('Unquiescing', { devices: 3 });
    node.finish(2, 'error');
    expectEveryEnd(node, (end) => expectLost(end, 2));
  });

  test('a thaw that fails is tried once more on the way back, and then by command', () => {
    const node = sourceAt('Unquiescing', { devices: 2 });
    node.finish('workload', 'refused');
    expect(node.phase).toBe('RollingBack');
    const again = node.fork();
    expectEveryEnd(again, expectWhole);
    node.finish('workload', 'refused');
    node.settle();
    expectWaiting(node, 'RollingBack', 'QuiesceTimeout');
    expect(node.send({ kind: 'rollBack', decision: 'Undecided' })).toBeNull();
    expectEveryEnd(node, expectWhole);
  });

  test('no command but a roll-back is taken while the barrier is given up', () => {
    const node = sourceAt('Unquiescing', { devices: 2 });
    expect(node.send(QUIESCE)).toMatchObject({ code: 'IllegalPhase' });
    expect(node.send({ kind: 'rollBack', decision: 'Undecided' })).toBeNull();
    expectEveryEnd(node, expectWhole);
  });
});

describe('the deadline', () => {
  test('is disarmed when barrier A is reached', () => {
    const node = sourceAt('Quiesced', { devices: 2 });
    expect(node.orders.at(-1)).toBe('disarmQuiesceDeadline');
  });

  const phases: readonly SourcePhase[] = [
    'Prepared',
    'PreCopying',
    'PreCopy',
    'Quiesced',
    'Unquiescing',
    'Stopping',
    'Stopped',
    'RollingBack',
    'Restarting',
    'Releasing',
  ];

  test.each(phases)('means nothing in %s, where it can only be late', (phase) => {
    const node = sourceAt(phase, { devices: 2 });
    const before = node.agent?.session;
    const count = node.orders.length;
    expire(node);
    expect(node.agent?.session).toBe(before);
    expect(node.orders).toHaveLength(count);
  });
});
