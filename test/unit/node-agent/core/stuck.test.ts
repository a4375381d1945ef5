import { describe, expect, test } from '@jest/globals';
import type { FakeNode } from '../../../support/core-harness.ts';
import { sourceAt, targetAt } from '../../../support/core-voyages.ts';
import { expectEveryEnd, expectWaiting, expectWhole } from './outcome.ts';

const ABORT = { kind: 'rollBack', decision: 'Abort' } as const;
const UNDECIDED = { kind: 'rollBack', decision: 'Undecided' } as const;

/** Everything but the call on device 1 has come back, and that has outlived its deadline. */
function stuck(node: FakeNode): FakeNode {
  node.settle({ leave: [1] });
  node.event({ kind: 'overdue', device: 1 });
  expect(node.view).toMatchObject({
    settled: false,
    error: { code: 'DeviceStuck', device: `${node.role}/1` },
  });
  return node;
}

const ordersTo = (node: FakeNode, device: number): number =>
  node.orders.filter((order) => order.startsWith(`${device} `)).length;

describe('a call of a source device that does not come back', () => {
  test.each(['PreCopying', 'Quiescing', 'Stopping'] as const)(
    'V2-39: in %s is said, is the only one, and is no error any more once it has returned',
    (phase) => {
      const node = stuck(sourceAt(phase, { devices: 2 }));
      const orders = ordersTo(node, 1);
      expect(node.error).toBe('DeviceStuck');
      expect(node.agent?.session.error).toBeNull();
      node.answers(1, true);
      expect(ordersTo(node, 1)).toBe(orders);
      node.finish(1);
      expect(node.error).toBeNull();
    },
  );

  test.each([
    ['PreCopying', UNDECIDED],
    ['Quiescing', UNDECIDED],
    ['Stopping', ABORT],
  ] as const)('in %s lets the set go home only when it returns, from wherever it then is', (phase, order) => {
    const at = (outcome: 'done' | 'refused'): FakeNode => {
      const node = stuck(sourceAt(phase, { devices: 2 }));
      expect(node.send(order)).toBeNull();
      node.settle({ leave: [1] });
      expect(node.view).toMatchObject({ phase: 'RollingBack', settled: false });
      expect(node.view.devices[1]).toMatchObject({ stuck: true });
      node.finish(1, outcome);
      return node;
    };
    expectEveryEnd(at('done'), expectWhole);
    expectEveryEnd(at('refused'), expectWhole);
  });

  test('in a quiesce past its deadline is thawed for first', () => {
    const node = stuck(sourceAt('Quiescing', { devices: 2 }));
    node.event({ kind: 'quiesceDeadline' });
    node.settle({ leave: [1] });
    expect(node.workload).toBe('running');
    expect(node.view).toMatchObject({ phase: 'RollingBack', error: { code: 'QuiesceTimeout' } });
    node.finish(1);
    expectEveryEnd(node, expectWhole);
  });

  test('in a quiesce that is waited for leaves the set where it came from', () => {
    const node = stuck(sourceAt('Quiescing', { devices: 2, wait: true }));
    node.event({ kind: 'quiesceDeadline' });
    node.settle({ leave: [1] });
    expect(node.workload).toBe('running');
    expect(node.view.phase).toBe('Unquiescing');
    node.finish(1);
    expect(node.settle().phase).toBe('PreCopy');
  });

  test('after the stop was journalled keeps the set stopped until the record says otherwise', () => {
    const node = stuck(sourceAt('Stopping', { devices: 2 }));
    expect(node.send(UNDECIDED)?.code).toBe('IllegalPhase');
    node.event({ kind: 'operatorLost' });
    expect(node.view).toMatchObject({ phase: 'Stopping', settled: false });
    expect(node.workload).toBe('frozen');
  });

  test('and from which the device comes back in Error is RESET on the way home', () => {
    const node = stuck(sourceAt('Stopping', { devices: 2 }));
    node.send(ABORT);
    node.settle({ leave: [1] });
    node.finish(1, 'error');
    expect(node.settle().phase).toBe('RolledBack');
    expect(node.view.devices.map(({ lost }) => lost)).toEqual([false, true]);
  });
});

describe('a call of a target device that does not come back', () => {
  test('V2-39: is waited for before the device is RESET', () => {
    const node = stuck(targetAt('Verifying', { devices: 2 }));
    node.send({ kind: 'discard', decision: 'Abort' });
    node.settle({ leave: [1] });
    expect(node.view).toMatchObject({ phase: 'Discarding', settled: false });
    const orders = ordersTo(node, 1);
    node.finish(1);
    expect(ordersTo(node, 1)).toBe(orders);
    expect(node.settle().phase).toBe('Discarded');
  });

  test('on the way forward is waited for: nothing runs before all are quiet', () => {
    const node = stuck(targetAt('Activating', { devices: 2 }));
    expect(node.states[0]).toBe('RunningP2P');
    expect(node.phase).toBe('Activating');
    node.finish(1);
    expect(node.settle().phase).toBe('Active');
  });
});

test('a device that is stuck while another has failed is not what is reported', () => {
  const node = sourceAt('Stopping', { devices: 2 });
  node.finish(0, 'refused');
  node.event({ kind: 'overdue', device: 1 });
  expect(node.error).toBe('ArcFailed');
  node.finish(1);
  expectWaiting(node, 'Stopping', 'ArcFailed');
});
