import { describe, expect, test } from '@jest/globals';
import type { TargetCommand, TargetPhase } from '@transship/node-agent/core';
import type { FakeNode } from '../../../support/core-harness.ts';
import { prepareTarget, targetAt, verify } from '../../../support/core-voyages.ts';
import { expectEveryEnd, expectWaiting } from './outcome.ts';

const ACTIVATE = { kind: 'activate', decision: 'Commit' } as const;
const DISCARD = { kind: 'discard', decision: 'Undecided' } as const;

/** Loaded anew from nothing: every device RESET once more, and no byte of the generation before in it. */
function expectLoadsAnew(node: FakeNode, generation: number): void {
  const count = node.orders.length;
  expect(node.send(prepareTarget(node, generation))).toBeNull();
  node.settle({ until: 'Loading' });
  expect(node.orders.slice(count).filter((order) => order.startsWith('reset'))).toHaveLength(node.ids.length);
  expect(node.orders.at(-1)).toBe(`startLoading ${generation}`);
  node.settle();
  expect(node.send(verify(node, generation))).toBeNull();
  expect(node.settle().view).toMatchObject({ phase: 'Verified', generation, error: null });
  expect(node.view.devices.some((device) => device.lost)).toBe(false);
}

describe('before the promise', () => {
  /** Steps of a two-device target that can fail; how many answers of each device come first. */
  const steps: readonly [string, TargetPhase, number][] = [
    ['entering RunningP2P', 'Preparing', 1],
    ['entering Stop', 'Preparing', 2],
    ['entering Resuming', 'Preparing', 3],
    ['V1-22, V2-24: leaving Resuming', 'Verifying', 0],
  ];
  const failing = (phase: TargetPhase, answers: number): FakeNode => {
    const node = targetAt(phase, { devices: 2 });
    for (let turn = 0; turn < answers; turn += 1) for (const device of [0, 1]) node.finish(device);
    return node;
  };

  test.each(steps)('%s: refused, it waits for another generation and starts nothing', (_, phase, answers) => {
    const node = failing(phase, answers);
    node.finish(1, 'refused');
    expect(node.view.settled).toBe(false);
    node.settle();
    expectWaiting(node, phase, 'ArcFailed');
    expect(node.workload).toBe('frozen');
  });

  test.each(steps)('%s: refused, another generation begins with RESET', (_, phase, answers) => {
    const node = failing(phase, answers);
    node.finish(1, 'refused');
    node.settle();
    expectLoadsAnew(node, 2);
  });

  test.each(steps)(
    'V1-10: %s: into Error, RESET brings it back for another generation',
    (_, phase, answers) => {
      const node = failing(phase, answers);
      node.finish(1, 'error');
      node.settle();
      expectWaiting(node, phase, 'DeviceError');
      expectLoadsAnew(node, 2);
    },
  );

  test.each(steps)('%s: refused, discard resets every device', (_, phase, answers) => {
    const node = failing(phase, answers);
    node.finish(1, 'refused');
    expect(node.send(DISCARD)).toBeNull();
    expectEveryEnd(node, (end) => {
      expect(end.view).toMatchObject({ phase: 'Discarded', error: { code: 'ArcFailed' } });
      expect(end.states).toEqual(['Running', 'Running']);
      expect(end.devices.some((device) => device.holds)).toBe(false);
    });
  });

  test('the same generation is tried again when it failed, and only then', () => {
    const node = failing('Preparing', 1);
    node.finish(1, 'refused');
    node.settle();
    expectLoadsAnew(node, 1);
  });

  test('V1-22: one device refuses its load: the other left Resuming, and neither ever runs', () => {
    const node = targetAt('Verifying', { devices: 2 });
    node.finish(0, 'refused');
    node.finish(1);
    expect(node.states).toEqual(['Resuming', 'Stop']);
    expectWaiting(node, 'Verifying', 'ArcFailed');
    expect(node.send(ACTIVATE)).toMatchObject({ code: 'IllegalPhase' });
    expect(node.send(verify(node))).toMatchObject({ code: 'IllegalPhase' });
    expect(node.states).toEqual(['Resuming', 'Stop']);
  });

  test('a stream that fails is left where it is, in Resuming, until another generation', () => {
    const node = targetAt('Loading', { devices: 2 });
    node.finish('streams', 'refused');
    expectWaiting(node, 'Loading', 'StreamCorrupt');
    expect(node.states).toEqual(['Resuming', 'Resuming']);
    expect(node.send(verify(node))).toMatchObject({ code: 'IllegalPhase' });
    expectLoadsAnew(node, 2);
  });

  test('a device that stops answering makes it wait; it is reset when it is back', () => {
    const node = failing('Preparing', 1);
    node.finish(1, 'unanswered');
    node.settle();
    expectWaiting(node, 'Preparing', 'ArcFailed');
    expect(node.send(prepareTarget(node, 2))).toBeNull();
    node.settle();
    expect(node.view).toMatchObject({ phase: 'Preparing', settled: false });
    node.answers(1, true);
    expect(node.settle().phase).toBe('Loading');
  });
});

describe('a RESET that fails on the target', () => {
  test('V2-28: before the load withholds the device and refuses every further prepare', () => {
    const node = targetAt('Preparing', { devices: 2 });
    node.finish(1, 'refused');
    node.settle();
    expectWaiting(node, 'Preparing', 'ResetFailed');
    expect(node.view.devices[1]).toMatchObject({ quarantined: true });
    expect(node.send(prepareTarget(node, 2))).toMatchObject({ code: 'ResetFailed', device: 'target/1' });
  });

  test('V2-28: on discard withholds the device, resets the others, and ends', () => {
    const node = targetAt('Discarding', { devices: 3 });
    node.finish(1, 'refused');
    node.settle();
    expect(node.phase).toBe('Discarded');
    expect(node.view.devices.map((device) => device.quarantined)).toEqual([false, true, false]);
    expect(node.states).toEqual(['Running', 'Resuming', 'Running']);
  });
});

describe('a copy of the workload that will never run', () => {
  test.each(['Loading', 'Verified'] as const)('is dropped when the set is discarded in %s', (phase) => {
    const node = targetAt(phase, { devices: 2 });
    expect(node.send({ kind: 'discard', decision: 'Abort' })).toBeNull();
    expectEveryEnd(node, (end) => {
      expect(end.view).toMatchObject({ phase: 'Discarded', error: null });
      expect(end.workload).toBe('discarded');
    });
  });

  test.each(['refused', 'unanswered'] as const)(
    'holds nobody up when dropping it is %s: that is told, and tried once',
    (outcome) => {
      const node = targetAt('Discarding', { devices: 2 });
      node.finish('workload', outcome);
      expectEveryEnd(node, (end) => {
        expect(end.phase).toBe('Discarded');
        expect(end.error).toBe('FreezeFailed');
        expect(end.orders.filter((order) => order === 'discardWorkload')).toHaveLength(1);
      });
    },
  );

  test('is dropped by the process that finds the set half discarded', () => {
    const node = targetAt('Discarding', { devices: 2 });
    node.restart();
    expectEveryEnd(node, (end) => {
      expect(end.phase).toBe('Discarded');
      expect(end.workload).toBe('discarded');
    });
  });
});

describe('a device that does not answer while its set is discarded', () => {
  test('is waited for: the set is free only when each device was RESET or is withheld', () => {
    const node = targetAt('Loading', { devices: 2 });
    node.answers(1, false);
    expect(node.send(DISCARD)).toBeNull();
    node.settle();
    expect(node.view).toMatchObject({ phase: 'Discarding', settled: false });
    expect(node.orders.at(-1)).toBe('reset 0');
    node.answers(1, true);
    expect(node.settle().phase).toBe('Discarded');
    expect(node.devices.some((device) => device.holds)).toBe(false);
  });
});

describe('a verified set whose workload is asked before it is activated', () => {
  test.each(['discarded', 'running'] as const)('is lost when that is %s: nothing has left Stop', (found) => {
    const node = targetAt('Verified', { devices: 2 });
    node.workload = found;
    expect(node.send(ACTIVATE)).toMatchObject({ code: 'WorkloadFailed' });
    expectWaiting(node, 'Verified', 'WorkloadFailed');
    expect(node.view.devices.map((device) => device.lost)).toEqual([true, true]);
    expect(node.states).toEqual(['Stop', 'Stop']);
    expect(node.send(ACTIVATE)).toMatchObject({ code: 'DeviceStateLost' });
    expect(node.send({ kind: 'discard', decision: 'Commit' })).toBeNull();
    expectEveryEnd(node, (end) => {
      expect(end.view).toMatchObject({ phase: 'Discarded', error: { code: 'WorkloadFailed' } });
      // One that runs is stopped and ended: the source is to run again.
      expect(end.workload).toBe('discarded');
      expect(end.devices.some((device) => device.holds)).toBe(false);
    });
  });

  test('stays as it is while that does not answer, and is activated when it does', () => {
    const node = targetAt('Verified', { devices: 2 });
    node.workload = 'unknown';
    expect(node.send(ACTIVATE)).toMatchObject({ code: 'ThawFailed' });
    expectWaiting(node, 'Verified', null);
    expect(node.view.devices.some((device) => device.lost)).toBe(false);
    node.workload = 'frozen';
    expect(node.send(ACTIVATE)).toBeNull();
    expect(node.settle().phase).toBe('Active');
  });
});

describe('after Commit', () => {
  const phases: readonly TargetPhase[] = ['Activating', 'Starting'];

  test.each(phases)('%s: a refused arc waits for the same order, which goes on from there', (phase) => {
    const node = targetAt(phase, { devices: 3 });
    node.finish(1, 'refused');
    node.settle();
    expectWaiting(node, phase, 'ArcFailed');
    expect(node.send(ACTIVATE)).toBeNull();
    expectEveryEnd(node, (end) => {
      expect(end.view).toMatchObject({ phase: 'Active', error: null });
      expect(end.devices.every((device) => device.holds)).toBe(true);
    });
  });

  test.each(phases)(
    '%s: a device in Error is lost: no order starts it, resets it or discards the set',
    (phase) => {
      const node = targetAt(phase, { devices: 3 });
      node.finish(1, 'error');
      node.settle();
      expectWaiting(node, phase, 'DeviceError');
      expect(node.view.devices[1]).toMatchObject({ lost: true });
      const count = node.orders.length;
      const commands: readonly [TargetCommand, string][] = [
        [ACTIVATE, 'DeviceStateLost'],
        [{ kind: 'discard', decision: 'Commit' }, 'IllegalPhase'],
        [prepareTarget(node, 2), 'IllegalPhase'],
      ];
      for (const [command, code] of commands) expect(node.send(command)).toMatchObject({ code });
      expect(node.orders).toHaveLength(count);
      expect(node.states[1]).toBe('Error');
    },
  );

  test.each(['refused', 'unanswered'] as const)(
    'a thaw that is %s is tried again by the same order',
    (outcome) => {
      const node = targetAt('Starting', { devices: 2 }).settle({ leave: ['workload'] });
      node.finish('workload', outcome);
      expectWaiting(node, 'Starting', 'ThawFailed');
      expect(node.send(ACTIVATE)).toBeNull();
      expect(node.settle().phase).toBe('Active');
      expect(node.workload).toBe('running');
    },
  );

  test('a device that stops answering is waited for', () => {
    const node = targetAt('Activating', { devices: 2 });
    node.finish(1, 'unanswered');
    node.settle();
    expectWaiting(node, 'Activating', 'ArcFailed');
    node.answers(1, true);
    expect(node.send(ACTIVATE)).toBeNull();
    expect(node.settle().phase).toBe('Active');
  });
});

describe('commands out of order are refused and start nothing', () => {
  const commands = (node: FakeNode): TargetCommand[] => [prepareTarget(node, 2), verify(node), ACTIVATE];
  const allowed: Readonly<Partial<Record<TargetPhase, readonly string[]>>> = {
    Fenced: ['prepare'],
    Preparing: ['prepare'],
    Loading: ['prepare'],
    Verifying: ['prepare', 'verify'],
    Verified: ['verify', 'activate'],
    Activating: ['activate'],
    Starting: ['activate'],
    Discarding: [],
  };
  const cases = Object.entries(allowed).flatMap(([phase, kinds]) =>
    ['prepare', 'verify', 'activate'].map(
      (kind) => [phase as TargetPhase, kind, kinds.includes(kind)] as const,
    ),
  );

  test.each(cases)('in %s, %s is allowed: %s', (phase, kind, isAllowed) => {
    const node = targetAt(phase, { devices: 2 });
    const command = commands(node).find((one) => one.kind === kind)!;
    const count = node.orders.length;
    const refusal = node.send(command);
    expect(refusal?.code ?? null).toBe(isAllowed ? null : 'IllegalPhase');
    if (isAllowed) return;
    expect(node.phase).toBe(phase);
    expect(node.orders).toHaveLength(count);
  });
});
