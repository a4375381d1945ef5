import { describe, expect, test } from '@jest/globals';
import type { SourcePhase, TargetPhase } from '@transship/node-agent/core';
import type { FakeNode } from '../../../support/core-harness.ts';
import {
  PRE_COPY,
  prepareSource,
  prepareTarget,
  QUIESCE,
  sourceAt,
  STOP,
  targetAt,
} from '../../../support/core-voyages.ts';
import { expectEveryEnd, expectWhole } from './outcome.ts';

const lose = (node: FakeNode): void => void node.event({ kind: 'operatorLost' });

/** Nothing was ordered and nothing but what was known is journalled. */
function expectUntouched(node: FakeNode): void {
  const before = node.agent?.session;
  const count = node.orders.length;
  lose(node);
  expect(node.agent?.session).toBe(before);
  expect(node.orders).toHaveLength(count);
}

describe('a source that has lost its operator', () => {
  const mayGoBack: readonly SourcePhase[] = [
    'Prepared',
    'PreCopying',
    'PreCopy',
    'Quiescing',
    'Quiesced',
    'Unquiescing',
  ];

  test.each(mayGoBack)('in %s rolls back alone, whole', (phase) => {
    const node = sourceAt(phase, { devices: 2 });
    lose(node);
    expectEveryEnd(node, (end) => {
      expectWhole(end);
      expect(['OperatorLost', 'QuiesceTimeout']).toContain(end.error);
    });
  });

  test.each(mayGoBack)(
    'in %s journals its refusal of the migration with the first arc, for good',
    (phase) => {
      const node = sourceAt(phase, { devices: 2 });
      lose(node);
      // A set that has nothing to walk back is home in the same transition.
      expect(['RollingBack', 'RolledBack']).toContain(node.phase);
      node.settle();
      const count = node.orders.length;
      for (const command of [prepareSource(node), PRE_COPY, QUIESCE, STOP]) node.send(command, { fence: 9 });
      expect(node.phase).toBe('RolledBack');
      expect(node.orders).toHaveLength(count);
    },
  );

  test.each(['preCopy', 'quiesce', 'stop'] as const)(
    'refuses %s while it is still on the way back',
    (kind) => {
      const node = sourceAt('Quiesced', { devices: 2 });
      lose(node);
      const command = { preCopy: PRE_COPY, quiesce: QUIESCE, stop: STOP }[kind];
      expect(node.send(command, { fence: 9 })).toMatchObject({ code: 'IllegalPhase' });
      expectEveryEnd(node, expectWhole);
    },
  );

  const mayNot: readonly SourcePhase[] = [
    'Fenced',
    'Stopping',
    'Stopped',
    'RollingBack',
    'Restarting',
    'Releasing',
  ];

  test.each(mayNot)(
    'in %s does nothing of its own: only the record counts, or it is on its way already',
    (phase) => {
      expectUntouched(sourceAt(phase, { devices: 2 }));
    },
  );

  test('that was stopped waits however often it is told', () => {
    const node = sourceAt('Stopped', { devices: 2 });
    for (let times = 0; times < 3; times += 1) expectUntouched(node);
    expect(node.states).toEqual(['StopCopy', 'StopCopy']);
    expect(node.workload).toBe('frozen');
  });
});

describe('a target that has lost its operator', () => {
  const mayDiscard: readonly TargetPhase[] = ['Preparing', 'Loading', 'Verifying'];

  test.each(mayDiscard)('in %s gives the set up alone: every device is reset and free', (phase) => {
    const node = targetAt(phase, { devices: 2 });
    lose(node);
    expect(node.phase).toBe('Discarding');
    expectEveryEnd(node, (end) => {
      expect(end.view).toMatchObject({ phase: 'Discarded', error: { code: 'OperatorLost' } });
      expect(end.states).toEqual(['Running', 'Running']);
      expect(end.devices.some((device) => device.holds)).toBe(false);
    });
  });

  test.each(mayDiscard)('in %s can never be activated afterwards', (phase) => {
    const node = targetAt(phase, { devices: 2 });
    lose(node);
    expect(node.send(prepareTarget(node, 2), { fence: 9, sequence: 1 })).toMatchObject({
      code: 'IllegalPhase',
    });
    const activate = { kind: 'activate', decision: 'Commit' } as const;
    expect(node.send(activate, { fence: 9, sequence: 2 })).toMatchObject({ code: 'IllegalPhase' });
    node.settle();
    expect(node.send(activate, { fence: 9, sequence: 3 })).toBeNull();
    expect(node.phase).toBe('Discarded');
  });

  const mayNot: readonly TargetPhase[] = ['Fenced', 'Verified', 'Activating', 'Starting', 'Discarding'];

  test.each(mayNot)('in %s does nothing of its own: it has promised, or the decision is known', (phase) => {
    expectUntouched(targetAt(phase, { devices: 2 }));
  });
});
