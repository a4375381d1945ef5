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

  test('and whose workload has ended with its node is given up once that is proven', () => {
    const node = targetAt('Starting', { devices: 2 });
    for (const device of [0, 1]) node.replace(device);
    node.workload = 'unknown';
    node.restart();
    expect(node.send({ kind: 'discard', decision: 'Revert' })).toBeNull();
    node.settle({ leave: ['workload'] });
    expect(node.phase).toBe('Discarding');
    node.finish('workload', 'gone');
    expect(node.view).toMatchObject({ phase: 'Discarded', settled: true });
  });
});

/** A thaw may be obeyed long after it was given up, so what the workload says until then proves nothing. */
describe('a target whose thaw may yet be obeyed', () => {
  const REVERT = { kind: 'discard', decision: 'Revert' } as const;

  /** Its workload was busy: the thaw failed, it says that it is frozen, and then a device was lost. */
  function saysFrozen(): ReturnType<typeof targetAt> {
    const node = targetAt('Starting', { devices: 2 });
    node.settle({ leave: ['workload'] });
    node.finish('workload', 'refused');
    node.reopen(1);
    node.settle();
    expect(node).toMatchObject({ phase: 'Starting', workload: 'frozen' });
    node.orders = [];
    return node;
  }
  const told = (node: ReturnType<typeof targetAt>): string[] =>
    node.orders.filter((order) => order === 'freeze' || order === 'discardWorkload' || order === 'thaw');

  test('has its workload frozen anew before it is ended', () => {
    const node = saysFrozen();
    expect(node.send(REVERT)).toBeNull();
    expect(node.settle()).toMatchObject({ phase: 'Discarded', workload: 'discarded' });
    expect(told(node)).toEqual(['freeze', 'discardWorkload']);
  });

  test('the same after a restart', () => {
    const node = saysFrozen();
    expect(node.send(REVERT)).toBeNull();
    node.orders = [];
    node.restart();
    expect(node.settle()).toMatchObject({ phase: 'Discarded', workload: 'discarded' });
    expect(told(node)).toEqual(['freeze', 'discardWorkload']);
  });

  test.each([
    ['was not answered', 'unanswered'],
    ['was refused, and leaves a copy that stands still', 'refused'],
  ] as const)('is not Discarded by an order to end that %s', (_name, outcome) => {
    const node = saysFrozen();
    expect(node.send(REVERT)).toBeNull();
    node.finish('workload');
    node.settle({ leave: ['workload'] });
    node.finish('workload', outcome);
    expect(node.view).toMatchObject({ phase: 'Discarding', settled: true });
    expect(node.error).not.toBeNull();
    expect(node.send(REVERT)).toBeNull();
    expect(node.settle()).toMatchObject({ phase: 'Discarded', workload: 'discarded' });
    expect(told(node)).toEqual(['freeze', 'discardWorkload', 'freeze', 'discardWorkload']);
  });

  test.each(['refused', 'unanswered'] as const)(
    'is stopped also when the thaw comes back %s only then',
    (outcome) => {
      const node = targetAt('Starting', { devices: 2 });
      node.settle({ leave: ['workload'] });
      node.reopen(1);
      node.orders = [];
      expect(node.send(REVERT)).toBeNull();
      node.settle({ leave: ['workload'] });
      node.finish('workload', outcome);
      expect(node.settle()).toMatchObject({ phase: 'Discarded', workload: 'discarded' });
      expect(told(node)).toEqual(['freeze', 'discardWorkload']);
    },
  );

  test('and that was never told to run is held up by no workload that does not answer', () => {
    const node = targetAt('Verified', { devices: 2 });
    node.reopen(1);
    expect(node.send({ kind: 'discard', decision: 'Commit' })).toBeNull();
    node.settle({ leave: ['workload'] });
    node.finish('workload', 'unanswered');
    expect(node.view).toMatchObject({ phase: 'Discarded', settled: true });
  });
});
