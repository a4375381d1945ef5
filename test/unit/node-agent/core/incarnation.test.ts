import { describe, expect, test } from '@jest/globals';
import type { SourcePhase, TargetPhase } from '@transship/node-agent/core';
import type { FakeNode } from '../../../support/core-harness.ts';
import { ATTACH, prepareTarget, sourceAt, STOP, targetAt, verify } from '../../../support/core-voyages.ts';
import { expectEveryEnd, expectLost, expectWaiting } from './outcome.ts';

const ACTIVATE = { kind: 'activate', decision: 'Commit' } as const;
const ABORT = { kind: 'rollBack', decision: 'Abort' } as const;

/** A session at rest in `phase`, so that the device that is replaced has nothing out. */
const restingSource = (phase: SourcePhase): FakeNode => sourceAt(phase, { devices: 3 });

describe('a source device that became another incarnation', () => {
  const resting: readonly SourcePhase[] = ['Prepared', 'PreCopy', 'Quiesced'];

  test.each(resting)(
    'in %s turns the set round; the device is named as lost, the others are whole',
    (phase) => {
      const node = restingSource(phase);
      node.reopen(1);
      expectEveryEnd(node, (end) => {
        expectLost(end, 1);
        expect(end.error).toBe('DeviceStateLost');
        // It is at Running by itself: there is nothing to reset.
        expect(end.orders.filter((order) => order.startsWith('reset'))).toEqual([]);
      });
    },
  );

  const walking: readonly SourcePhase[] = ['PreCopying', 'Quiescing', 'Unquiescing'];

  test.each(walking)('in %s with its arc just done turns the set round', (phase) => {
    const node = restingSource(phase);
    if (phase === 'Quiescing') node.finish('workload');
    node.finish(1);
    if (node.jobs.includes(1)) node.finish(1, 'refused');
    node.reopen(1);
    expectEveryEnd(node, (end) => expectLost(end, 1));
  });

  test.each([...resting, ...walking])(
    'in %s, seen only by the next command, turns the set round too',
    (phase) => {
      const node = restingSource(phase).settle();
      node.replace(1);
      node.send(ATTACH, { fence: 2 });
      expectEveryEnd(node, (end) => expectLost(end, 1));
    },
  );

  test('in Stopping waits for the record, and no further stop is taken', () => {
    const node = sourceAt('Stopping', { devices: 3 }).settle({ leave: ['streams'] });
    node.reopen(1);
    expect(node.view).toMatchObject({ phase: 'Stopping', error: { code: 'DeviceStateLost' }, settled: true });
    expect(node.send({ ...STOP, generation: 2 })).toMatchObject({ code: 'DeviceStateLost' });
    expect(node.send(ABORT)).toBeNull();
    expectEveryEnd(node, (end) => expectLost(end, 1));
  });

  test('in Stopped says so and waits: the promise stands until the record says otherwise', () => {
    const node = restingSource('Stopped');
    node.reopen(1);
    expectWaiting(node, 'Stopped', 'DeviceStateLost');
    expect(node.view.devices.map((device) => device.lost)).toEqual([false, true, false]);
    expect(node.send(ABORT)).toBeNull();
    expectEveryEnd(node, (end) => expectLost(end, 1));
  });

  test('in Stopped does not hold up the release: the target has what it held', () => {
    const node = restingSource('Stopped');
    node.reopen(1);
    expect(node.send({ kind: 'release', decision: 'Commit' })).toBeNull();
    expect(node.settle().phase).toBe('Released');
    expect(node.devices.some((device) => device.holds)).toBe(false);
    expect(node.view.devices.some((device) => device.lost)).toBe(false);
  });

  test.each(['RollingBack', 'Restarting'] as const)(
    'in %s is named, and the others are brought home',
    (phase) => {
      const node = sourceAt(phase, { devices: 3 });
      node.finish(1, 'unanswered');
      node.replace(1);
      node.answers(1, true);
      expectEveryEnd(node, (end) => expectLost(end, 1));
    },
  );

  test('that comes back as the one it was has lost nothing', () => {
    const node = restingSource('PreCopy');
    node.answers(1, false);
    node.answers(1, true);
    expectWaiting(node, 'PreCopy', null);
    expect(node.view.devices.some((device) => device.lost)).toBe(false);
  });
});

describe('a target device that became another incarnation', () => {
  test.each(['Loading', 'Verifying'] as const)('in %s makes the set wait for another generation', (phase) => {
    const node = targetAt(phase, { devices: 2 });
    if (phase === 'Verifying') node.finish(1);
    node.reopen(1);
    node.settle();
    expectWaiting(node, phase, 'DeviceStateLost');
    expect(node.send(verify(node))).toMatchObject({ code: 'IllegalPhase' });
    expect(node.send(prepareTarget(node, 2))).toBeNull();
    node.settle();
    expect(node.send(verify(node, 2))).toBeNull();
    expect(node.settle().view).toMatchObject({ phase: 'Verified', error: null });
    expect(node.view.devices.some((device) => device.lost)).toBe(false);
  });

  test('in Preparing is reset once more before it is used', () => {
    const node = targetAt('Preparing', { devices: 2 });
    node.finish(1);
    node.finish(1);
    node.reopen(1);
    node.settle();
    expectWaiting(node, 'Preparing', 'DeviceStateLost');
    expect(node.send(prepareTarget(node, 2))).toBeNull();
    expect(node.settle({ until: 'Loading' }).phase).toBe('Loading');
  });

  const silently: readonly [string, (node: FakeNode) => void][] = [
    ['told by an event', (node) => node.reopen(1)],
    ['seen only when activation is ordered', (node) => node.replace(1)],
    [
      'found after a restart of the agent',
      (node) => {
        node.replace(1);
        node.restart();
      },
    ],
  ];

  test.each(silently)(
    'in Verified is never started (%s): activate is refused and nothing has left Stop',
    (_, replace) => {
      const node = targetAt('Verified', { devices: 2 });
      replace(node);
      const count = node.orders.length;
      expect(node.send(ACTIVATE)).toMatchObject({ code: 'DeviceStateLost', device: 'target/1' });
      expect(node.view).toMatchObject({ phase: 'Verified', settled: true });
      expect(node.view.devices.map((device) => device.lost)).toEqual([false, true]);
      expect(node.orders).toHaveLength(count);
      // Its journal says that no device was ordered out of Stop, so under Commit it may be discarded: Revert is open.
      expect(node.send({ kind: 'discard', decision: 'Commit' })).toBeNull();
      expect(node.settle().phase).toBe('Discarded');
      expect(node.devices.some((device) => device.holds)).toBe(false);
    },
  );

  test.each([true, false])(
    'in Verified while it does not answer is not started either; it has kept its state: %s',
    (kept) => {
      const node = targetAt('Verified', { devices: 2 });
      node.answers(1, false);
      const count = node.orders.length;
      expect(node.send(ACTIVATE)).toMatchObject({ code: 'DeviceStuck', device: 'target/1' });
      expect(node.view).toMatchObject({ phase: 'Verified', decision: 'Undecided', settled: true });
      expect(node.orders).toHaveLength(count);
      if (!kept) node.replace(1);
      node.answers(1, true);
      const refusal = node.send(ACTIVATE);
      expect(refusal?.code ?? null).toBe(kept ? null : 'DeviceStateLost');
      expect(node.settle().phase).toBe(kept ? 'Active' : 'Verified');
    },
  );

  test('a Running in Verified that no incarnation explains is DeviceStateLost, never success', () => {
    const node = targetAt('Verified', { devices: 2 });
    node.devices[1]!.state = 'Running';
    expect(node.send(ACTIVATE)).toMatchObject({ code: 'DeviceStateLost' });
    expect(node.phase).toBe('Verified');
    expect(node.states).toEqual(['Stop', 'Running']);
  });

  test('a Running that a restarted agent finds in Verified is named as lost at once', () => {
    const node = targetAt('Verified', { devices: 2 });
    node.devices[1]!.state = 'Running';
    node.restart();
    expectWaiting(node, 'Verified', 'DeviceStateLost');
    expect(node.view.devices.map((device) => device.lost)).toEqual([false, true]);
  });

  test('a Running in Activating that the journal does not explain is DeviceStateLost, never success', () => {
    const node = targetAt('Activating', { devices: 2 });
    node.finish(1);
    node.devices[1]!.state = 'Running';
    node.restart();
    expectWaiting(node, 'Activating', 'DeviceStateLost');
    expect(node.send(ACTIVATE)).toMatchObject({ code: 'DeviceStateLost' });
  });

  test('a Running in Starting is explained by the journal', () => {
    const node = targetAt('Starting', { devices: 2 });
    node.restart([0, 1]);
    expect(node.settle().view).toMatchObject({ phase: 'Active', error: null });
  });

  const ordered: readonly TargetPhase[] = ['Activating', 'Starting'];

  test.each(ordered)('in %s is lost: nothing is started, reset or discarded any more', (phase) => {
    const node = targetAt(phase, { devices: 2 });
    node.finish(1, 'unanswered');
    node.replace(1);
    node.answers(1, true);
    node.settle();
    expect(node.view).toMatchObject({ phase, settled: true });
    expect(node.view.devices.map((device) => device.lost)).toEqual([false, true]);
    const count = node.orders.length;
    expect(node.send(ACTIVATE)).toMatchObject({ code: 'DeviceStateLost' });
    expect(node.send({ kind: 'discard', decision: 'Commit' })).toMatchObject({ code: 'IllegalPhase' });
    expect(node.orders).toHaveLength(count);
  });

  test.each(ordered)('in %s, found after a restart, is lost as well', (phase) => {
    const node = targetAt(phase, { devices: 2 });
    node.replace(1);
    node.restart();
    expect(node.view).toMatchObject({ phase, settled: true, error: { code: 'DeviceStateLost' } });
    expect(node.jobs).toEqual([]);
  });

  test('in Discarding is reset like the others', () => {
    const node = targetAt('Discarding', { devices: 2 });
    node.finish(1, 'unanswered');
    expect(node.view.devices[1]).toMatchObject({ quarantined: true });
    node.settle();
    expect(node.phase).toBe('Discarded');
  });
});

describe('an incarnation that could not be told', () => {
  const facts = (node: FakeNode, index: number, incarnation: string): void => {
    node.facts = (at) => (at === index ? { incarnation } : {});
  };

  test('is no other one: nothing is lost by a device whose keeper does not tell', () => {
    const node = restingSource('PreCopy');
    facts(node, 1, '');
    node.send(ATTACH);
    node.event({ kind: 'incarnationChanged', device: 2, incarnation: '', state: 'PreCopy' });
    expect(node.view).toMatchObject({ phase: 'PreCopy', error: null });
    expect(node.view.devices.map(({ lost }) => lost)).toEqual([false, false, false]);
  });

  test.each(['command', 'watch'] as const)(
    'behind a RESET of a target is that which is told first (%s)',
    (by) => {
      const node = targetAt('Preparing', { devices: 2 });
      node.finish(0);
      const why = { code: 'DeviceStateLost', message: 'its incarnation cannot be told', device: 'target/1' };
      const done = { kind: 'resetDone', device: 1, state: 'Running', failure: null } as const;
      node.replace(1);
      node.event({ ...done, incarnation: '', afterwards: why });
      expect(node.bound(1)).toMatchObject({ incarnation: '', lost: false });
      if (by === 'command') node.send(ATTACH);
      else node.event({ kind: 'incarnationChanged', device: 1, incarnation: '1', state: 'Running' });
      expect(node.bound(1)).toMatchObject({ incarnation: '1', lost: false });
      // From here on another one is another one.
      node.reopen(1);
      expect(node.bound(1)).toMatchObject({ lost: true });
    },
  );
});
