import { describe, expect, test } from '@jest/globals';
import type { SourcePhase } from '@transship/node-agent/core';
import type { FakeNode } from '../../../support/core-harness.ts';
import { PRE_COPY, QUIESCE, sourceAt, STOP, type VoyageOptions } from '../../../support/core-voyages.ts';
import { expectEveryEnd, expectLost, expectWaiting, expectWhole } from './outcome.ts';

const ABORT = { kind: 'rollBack', decision: 'Abort' } as const;

type Way = readonly [string, SourcePhase, VoyageOptions];

/** The ways on which devices walk before anything is stopped. */
const BEFORE_STOP: readonly Way[] = [
  ['entering pre-copy', 'PreCopying', {}],
  ['quieting out of pre-copy', 'Quiescing', {}],
  ['quieting out of Running', 'Quiescing', { stopCopy: true }],
];

/** Three devices with their arcs out, the workload frozen where the phase freezes it. */
function walking(phase: SourcePhase, options: VoyageOptions): FakeNode {
  const node = sourceAt(phase, { devices: 3, ...options });
  if (node.jobs.includes('workload')) node.finish('workload');
  expect(node.jobs).toEqual([0, 1, 2]);
  return node;
}

describe.each(BEFORE_STOP)('before the stop, while %s', (_, phase, options) => {
  test('V1-33: one refused arc turns the whole set round, and nothing is lost', () => {
    const node = walking(phase, options);
    node.finish(1, 'refused');
    expect(node.phase).toBe('RollingBack');
    expectEveryEnd(node, (end) => {
      expectWhole(end);
      expect(end.error).toBe('ArcFailed');
      expect(end.orders.filter((order) => order.startsWith('reset'))).toEqual([]);
    });
  });

  test('V1-33: when every device refuses, none is reset for it: each is where it was', () => {
    const node = walking(phase, options);
    for (const device of [0, 1, 2]) node.finish(device, 'refused');
    expectEveryEnd(node, (end) => {
      expectWhole(end);
      expect(end.orders.filter((order) => order.startsWith('reset'))).toEqual([]);
    });
  });

  test('V1-10: a device that goes to Error is reset and named as lost; the others keep all they had', () => {
    const node = walking(phase, options);
    node.finish(1, 'error');
    expect(node.phase).toBe('RollingBack');
    expectEveryEnd(node, (end) => {
      expectLost(end, 1);
      expect(end.error).toBe('DeviceError');
      expect(end.orders.filter((order) => order.startsWith('reset'))).toEqual(['reset 1']);
    });
  });

  test('V1-10: a device that goes to Error after the set turned round is reset as well', () => {
    const node = walking(phase, options);
    node.finish(0, 'refused');
    node.finish(2, 'error');
    expectEveryEnd(node, (end) => {
      expectLost(end, 2);
      expect(end.error).toBe('ArcFailed');
    });
  });

  test('a device that stops answering is waited for and is walked home when it is back', () => {
    const node = walking(phase, options);
    node.finish(1, 'unanswered');
    node.settle();
    expect(node.view).toMatchObject({ phase: 'RollingBack', settled: false });
    node.answers(1, true);
    expectEveryEnd(node, expectWhole);
  });
});

describe('once stop is journalled', () => {
  const ways: readonly [string, VoyageOptions][] = [
    ['out of pre-copy', {}],
    ['out of Running', { stopCopy: true }],
  ];

  test.each(ways)('%s: a refused arc waits for the record, with the workload frozen', (_, options) => {
    const node = walking('Stopping', options);
    node.finish(1, 'refused');
    node.settle();
    expectWaiting(node, 'Stopping', 'ArcFailed');
    expect(node.workload).toBe('frozen');
    expect(node.devices.every((device) => device.holds)).toBe(true);
  });

  test.each(ways)('%s: the same order again goes on where the refusal stopped it', (_, options) => {
    const node = walking('Stopping', options);
    node.finish(1, 'refused');
    node.settle();
    expect(node.send(STOP)).toBeNull();
    expectEveryEnd(node, (end) => {
      expect(end.view).toMatchObject({ phase: 'Stopped', generation: 1, error: null });
      expect(end.states).toEqual(['StopCopy', 'StopCopy', 'StopCopy']);
    });
  });

  test.each(ways)('%s: a recorded Abort takes the set home whole, wherever its devices are', (_, options) => {
    const node = walking('Stopping', options);
    node.finish(1, 'refused');
    node.settle();
    expect(node.send(ABORT)).toBeNull();
    expectEveryEnd(node, expectWhole);
  });

  test.each(ways)('%s: Abort that arrives before a refusal loses nothing either', (_, options) => {
    const node = walking('Stopping', options);
    expect(node.send(ABORT)).toBeNull();
    for (const device of [0, 1, 2]) node.finish(device, 'refused');
    expectEveryEnd(node, expectWhole);
  });

  test.each([true, false])(
    'a lone device without NDMA that refuses to stop (pre-copy: %s) keeps its state',
    (preCopy) => {
      const node = sourceAt('Stopping', { devices: 1, p2p: false, stopCopy: !preCopy });
      node.finish(0, 'refused');
      expectWaiting(node, 'Stopping', 'ArcFailed');
      node.send(ABORT);
      expectEveryEnd(node, expectWhole);
    },
  );

  test('V1-10: a device in Error makes the set wait, refuses another stop, and is reset on Abort', () => {
    const node = walking('Stopping', {});
    node.finish(1, 'error');
    node.settle();
    expectWaiting(node, 'Stopping', 'DeviceError');
    expect(node.send({ ...STOP, generation: 2 })).toMatchObject({ code: 'DeviceStateLost' });
    expect(node.send(ABORT)).toBeNull();
    expectEveryEnd(node, (end) => expectLost(end, 1));
  });

  test('a stream that fails waits for the record and keeps every device stopped', () => {
    const node = sourceAt('Stopping', { devices: 2 }).settle({ leave: ['streams'] });
    node.finish('streams', 'refused');
    expectWaiting(node, 'Stopping', 'StreamCorrupt');
    expect(node.states).toEqual(['StopCopy', 'StopCopy']);
  });
});

describe('on the way back', () => {
  const ways: readonly SourcePhase[] = ['RollingBack', 'Restarting'];

  test.each(ways)('%s: a refused arc leaves RESET, and the first error stays the one reported', (phase) => {
    const node = sourceAt(phase, { devices: 3 });
    node.finish(1, 'refused');
    expect(node.orders.at(-1)).toBe('reset 1');
    expectEveryEnd(node, (end) => {
      expectLost(end, 1);
      expect(end.error).toBe('ArcFailed');
    });
  });

  test.each(ways)('%s: a device in Error is reset, and the others go on', (phase) => {
    const node = sourceAt(phase, { devices: 3 });
    node.finish(1, 'error');
    expectEveryEnd(node, (end) => expectLost(end, 1));
  });

  test.each(ways)('V2-28: %s: a device whose RESET fails is withheld, and the others run', (phase) => {
    const node = sourceAt(phase, { devices: 3 });
    node.finish(1, 'error');
    node.finish(1, 'refused');
    expectEveryEnd(node, (end) => {
      expect(end.phase).toBe('RolledBack');
      expect(end.view.devices.map(({ lost, quarantined }) => [lost, quarantined])).toEqual([
        [false, false],
        [true, true],
        [false, false],
      ]);
      expect(end.states).toEqual(['Running', 'Error', 'Running']);
      expect(end.workload).toBe('running');
    });
  });

  test('V1-10: a lone device without NDMA that goes to Error is reset as well', () => {
    const node = sourceAt('Restarting', { devices: 1, p2p: false });
    node.finish(0, 'error');
    expectEveryEnd(node, (end) => expectLost(end, 0));
  });

  test('V1-27: a device found at Stop past the barrier is reset, for it may not run straight from there', () => {
    const node = sourceAt('Restarting', { devices: 2 });
    node.devices[1]!.state = 'Stop';
    node.devices[1]!.holds = false;
    node.restart();
    expect(node.jobs).toContain(1);
    expect(node.orders).toContain('reset 1');
    expectEveryEnd(node, (end) => expectLost(end, 1));
  });

  test('V1-11: a RESET that leaves the device elsewhere than Running counts as failed', () => {
    const node = sourceAt('RollingBack', { devices: 2 });
    node.finish(1, 'error');
    node.event({ kind: 'resetDone', device: 1, state: 'Stop', incarnation: '1', failure: null });
    expect(node.view.devices[1]).toMatchObject({ lost: true, quarantined: true });
  });

  test('before the stop, a refusal on the way home leaves RESET for that device alone', () => {
    const node = sourceAt('Quiesced', { devices: 3 });
    node.send({ kind: 'rollBack', decision: 'Undecided' });
    node.finish(2, 'refused');
    expectEveryEnd(node, (end) => expectLost(end, 2));
  });

  test('a device that does not answer is waited for, however long', () => {
    const node = sourceAt('RollingBack', { devices: 2 });
    node.finish(1, 'unanswered');
    node.settle();
    expect(node.view).toMatchObject({ phase: 'RollingBack', settled: false });
    node.answers(1, true);
    expectEveryEnd(node, expectWhole);
  });
});

describe('releasing', () => {
  test('a refused arc leaves RESET, which is what the device was to get anyway', () => {
    const node = sourceAt('Releasing', { devices: 2 });
    node.finish('workload');
    node.finish(1, 'refused');
    node.settle();
    expect(node.view).toMatchObject({ phase: 'Released', error: { code: 'ArcFailed' } });
    expect(node.states).toEqual(['Running', 'Running']);
  });

  test('V2-28: a device whose RESET fails is withheld, and the release ends', () => {
    const node = sourceAt('Releasing', { devices: 2 });
    node.finish('workload');
    node.finish(1);
    node.finish(1, 'refused');
    node.settle();
    expect(node.phase).toBe('Released');
    expect(node.view.devices.map((device) => device.quarantined)).toEqual([false, true]);
  });

  test('a workload that does not end is told again by the same command, and its devices wait', () => {
    const node = sourceAt('Releasing', { devices: 2 });
    node.finish('workload', 'refused');
    expectWaiting(node, 'Releasing', 'FreezeFailed');
    expect(node.states).toEqual(['StopCopy', 'StopCopy']);
    expect(node.send({ kind: 'release', decision: 'Commit' })).toBeNull();
    expect(node.settle().phase).toBe('Released');
  });
});

describe('commands out of order are refused and start nothing', () => {
  const commands = [PRE_COPY, QUIESCE, STOP, { kind: 'release', decision: 'Commit' }] as const;
  const allowed: Readonly<Partial<Record<SourcePhase, readonly string[]>>> = {
    Fenced: [],
    Prepared: ['preCopy', 'quiesce'],
    PreCopying: ['preCopy'],
    PreCopy: ['preCopy', 'quiesce'],
    Quiescing: ['quiesce'],
    Quiesced: ['quiesce', 'stop'],
    Unquiescing: [],
    Stopping: ['stop'],
    Stopped: ['stop', 'release'],
    RollingBack: [],
    Restarting: [],
    Releasing: ['release'],
  };
  const cases = Object.entries(allowed).flatMap(([phase, kinds]) =>
    commands
      // What was recorded comes before what is in order: see decisions.test.ts.
      .filter(({ kind }) => kind !== 'release' || (phase !== 'RollingBack' && phase !== 'Restarting'))
      .map((command) => [phase as SourcePhase, command, kinds.includes(command.kind)] as const),
  );

  test.each(cases)('in %s, %j is allowed: %s', (phase, command, isAllowed) => {
    const node = sourceAt(phase, { devices: 2 });
    const count = node.orders.length;
    const refusal = node.send(command);
    expect(refusal?.code ?? null).toBe(isAllowed ? null : 'IllegalPhase');
    if (isAllowed) return;
    expect(node.phase).toBe(phase);
    expect(node.orders).toHaveLength(count);
  });
});
