import { describe, expect, test } from '@jest/globals';
import type { TargetPhase } from '@transship/node-agent/core';
import { targetAt } from '../../../support/core-voyages.ts';

const ordered: readonly TargetPhase[] = ['Activating', 'Starting'];

describe('a target that was ordered to run', () => {
  test.each(ordered)('is not reset in %s while all its devices are there', (phase) => {
    for (const decision of ['Commit', 'Revert'] as const) {
      const node = targetAt(phase, { devices: 2 });
      const before = node.orders.length;
      expect(node.send({ kind: 'discard', decision })).toMatchObject({ code: 'IllegalPhase' });
      expect(node.orders.slice(before).filter((order) => order.startsWith('reset'))).toEqual([]);
    }
  });

  test.each(ordered)('and has lost a device in %s is reset whole on a Revert by hand', (phase) => {
    const node = targetAt(phase, { devices: 2 });
    node.reopen(1);
    node.settle();
    expect(node.send({ kind: 'discard', decision: 'Revert' })).toBeNull();
    expect(node.settle().phase).toBe('Discarded');
    expect(node.devices.some((device) => device.holds)).toBe(false);
    expect(node.workload).toBe('discarded');
  });

  test.each(ordered)('and has lost a device in %s stays as it is without one', (phase) => {
    const node = targetAt(phase, { devices: 2 });
    node.reopen(1);
    node.settle();
    expect(node.send({ kind: 'discard', decision: 'Commit' })).toMatchObject({ code: 'IllegalPhase' });
    // Commit was seen, so a command without one is from an older record.
    expect(node.send({ kind: 'discard', decision: 'Undecided' })).toMatchObject({ code: 'RecordRegressed' });
    expect(node.phase).toBe(phase);
  });
});
