import { describe, expect, test } from '@jest/globals';
import type { TargetPhase } from '@transship/node-agent/core';
import { targetAt } from '../../../support/core-voyages.ts';

const ordered: readonly TargetPhase[] = ['Activating', 'Starting'];

describe('a target that was ordered to run', () => {
  test.each(ordered)('is not reset in %s on anything but a Revert by hand', (phase) => {
    const node = targetAt(phase, { devices: 2 });
    node.reopen(1);
    node.settle();
    const before = node.orders.length;
    expect(node.send({ kind: 'discard', decision: 'Commit' })).toMatchObject({ code: 'IllegalPhase' });
    // Commit was seen, so a command without one is from an older record.
    expect(node.send({ kind: 'discard', decision: 'Undecided' })).toMatchObject({ code: 'RecordRegressed' });
    expect(node.phase).toBe(phase);
    expect(node.orders).toHaveLength(before);
  });

  test.each(ordered)('and has lost a device in %s is reset whole on one', (phase) => {
    const node = targetAt(phase, { devices: 2 });
    node.reopen(1);
    node.settle();
    expect(node.send({ kind: 'discard', decision: 'Revert' })).toBeNull();
    expect(node.settle().phase).toBe('Discarded');
    expect(node.devices.some((device) => device.holds)).toBe(false);
    expect(node.workload).toBe('discarded');
  });

  test.each(ordered)(
    'and whose devices are silent in %s is not started any more when they answer',
    (phase) => {
      const node = targetAt(phase, { devices: 2 });
      for (const device of [0, 1]) {
        node.finish(device, 'unanswered');
        node.answers(device, false);
      }
      expect(node.send({ kind: 'discard', decision: 'Revert' })).toBeNull();
      expect(node.phase).toBe('Discarding');
      node.restart();
      for (const device of [0, 1]) node.answers(device, true);
      expect(node.settle().phase).toBe('Discarded');
      expect(node.devices.some((device) => device.holds)).toBe(false);
      expect(node.send({ kind: 'activate', decision: 'Commit' })).toBeNull();
      expect(node.phase).toBe('Discarded');
    },
  );

  /** Its devices run, its thaw was not answered and obeyed all the same, and then a device was lost. */
  function thawedUnseen(): ReturnType<typeof targetAt> {
    const node = targetAt('Starting', { devices: 2 });
    node.settle({ leave: ['workload'] });
    node.finish('workload', 'unanswered');
    node.workload = 'running';
    node.reopen(1);
    node.settle();
    expect(node.phase).toBe('Starting');
    return node;
  }

  test('and whose thaw was not answered has its workload stopped first', () => {
    const node = thawedUnseen();
    expect(node.send({ kind: 'discard', decision: 'Revert' })).toBeNull();
    expect(node.settle()).toMatchObject({ phase: 'Discarded', workload: 'discarded' });
  });

  test('and whose workload ended before it could be stopped waits for it no longer', () => {
    const node = thawedUnseen();
    expect(node.send({ kind: 'discard', decision: 'Revert' })).toBeNull();
    const why = { code: 'FreezeFailed', message: 'it has ended', device: null };
    node.workload = 'discarded';
    node.event({ kind: 'workloadDone', op: 'freeze', state: 'discarded', failure: why });
    expect(node.settle()).toMatchObject({ phase: 'Discarded', workload: 'discarded' });
  });

  test('the same after a restart in which the workload does not answer', () => {
    const node = thawedUnseen();
    expect(node.send({ kind: 'discard', decision: 'Revert' })).toBeNull();
    node.workload = 'unknown';
    node.restart();
    node.workload = 'running';
    expect(node.settle()).toMatchObject({ phase: 'Discarded', workload: 'discarded' });
  });
});
