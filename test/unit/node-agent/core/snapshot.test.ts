import { describe, expect, test } from '@jest/globals';
import { settled, type SourcePhase, type TargetPhase } from '@transship/node-agent/core';
import { failureOf, totalsOf } from '../../../support/core-facts.ts';
import type { FakeNode } from '../../../support/core-harness.ts';
import { QUIESCE, sourceAt, STOP, targetAt } from '../../../support/core-voyages.ts';

const isSettled = (node: FakeNode): boolean => node.agent !== null && settled(node.agent);

describe('a session is settled when only a command (or a loss) will change its phase', () => {
  const sources: readonly [SourcePhase, boolean][] = [
    ['Fenced', true],
    ['Prepared', true],
    ['PreCopying', false],
    ['PreCopy', true],
    ['Quiescing', false],
    ['Quiesced', true],
    ['Unquiescing', false],
    ['Stopping', false],
    ['Stopped', true],
    ['RollingBack', false],
    ['Restarting', false],
    ['RolledBack', true],
    ['Releasing', false],
    ['Released', true],
  ];
  const targets: readonly [TargetPhase, boolean][] = [
    ['Fenced', true],
    ['Preparing', false],
    ['Loading', true],
    ['Verifying', false],
    ['Verified', true],
    ['Activating', false],
    ['Starting', false],
    ['Active', true],
    ['Discarding', false],
    ['Discarded', true],
  ];

  test.each(sources)('source, on entering %s: %s', (phase, expected) => {
    expect(isSettled(sourceAt(phase, { devices: 2 }))).toBe(expected);
  });

  test.each(targets)('target, on entering %s: %s', (phase, expected) => {
    expect(isSettled(targetAt(phase, { devices: 2 }))).toBe(expected);
  });

  test('an error settles it only when nothing is out any more', () => {
    const node = sourceAt('Stopping', { devices: 2 });
    node.finish(0, 'refused');
    expect(isSettled(node)).toBe(false);
    node.finish(1);
    expect(isSettled(node)).toBe(true);
  });
});

describe('a call that outlives its deadline', () => {
  test('V2-39: is told as stuck, is not doubled, and is unwound when it returns', () => {
    const node = sourceAt('Quiescing', { devices: 2 });
    node.finish('workload');
    node.event({ kind: 'overdue', device: 1 });
    expect(node.view.devices.map((device) => device.stuck)).toEqual([false, true]);
    expect(node.jobs).toEqual([0, 1]);
    node.finish(0);
    expect(node.phase).toBe('Quiescing');
    node.finish(1);
    expect(node.view.devices.map((device) => device.stuck)).toEqual([false, false]);
    expect(node.phase).toBe('Quiesced');
  });

  test('means nothing once it has returned', () => {
    const node = sourceAt('Quiesced', { devices: 2 });
    node.event({ kind: 'overdue', device: 0 });
    expect(node.view.devices.some((device) => device.stuck)).toBe(false);
  });

  test('V2-39: a roll-back waits for it instead of ordering a second one', () => {
    const node = sourceAt('Quiescing', { devices: 2 });
    node.finish('workload');
    node.event({ kind: 'overdue', device: 1 });
    node.send({ kind: 'rollBack', decision: 'Undecided' });
    node.settle({ leave: [1] });
    expect(node.view).toMatchObject({ phase: 'RollingBack', settled: false });
    node.finish(1);
    expect(node.settle().phase).toBe('RolledBack');
  });
});

describe('the error that is told', () => {
  test('is the first since the last order that begins something', () => {
    const node = sourceAt('Stopping', { devices: 2 });
    node.finish(0, 'refused');
    node.finish(1, 'error');
    expect(node.error).toBe('ArcFailed');
  });

  test('is forgotten when an order begins something anew', () => {
    const node = sourceAt('Stopping', { devices: 2 }).settle({ leave: ['streams'] });
    node.finish('streams', 'refused');
    expect(node.error).toBe('StreamCorrupt');
    node.send({ ...STOP, generation: 2 });
    expect(node.error).toBeNull();
  });

  test('is kept on the way back, as what caused it', () => {
    const node = sourceAt('Stopping', { devices: 2 }).settle({ leave: ['streams'] });
    node.finish('streams', 'refused');
    node.send({ kind: 'rollBack', decision: 'Abort' });
    node.settle();
    expect(node.view).toMatchObject({ phase: 'RolledBack', error: { code: 'StreamCorrupt' } });
  });

  test('is kept when the order that would begin anew is refused', () => {
    const node = sourceAt('Stopping', { devices: 2 });
    node.finish(0, 'refused');
    node.settle();
    expect(node.send(QUIESCE)).toMatchObject({ code: 'IllegalPhase' });
    expect(node.error).toBe('ArcFailed');
  });
});

describe('what a snapshot tells', () => {
  test('of a stopped source: generation, ticket, and what every stream amounted to', () => {
    const { view } = sourceAt('Stopped', { devices: 2 });
    expect(view).toMatchObject({ role: 'source', generation: 1, ticket: 'ticket', decision: 'Undecided' });
    expect(view.streams.map((stream) => stream.totals)).toEqual(totalsOf(2, 1));
    expect(view.devices.map((device) => [device.id, device.state])).toEqual([
      ['source/0', 'StopCopy'],
      ['source/1', 'StopCopy'],
    ]);
  });

  test('progress of streams is taken as it comes', () => {
    const node = sourceAt('PreCopy', { devices: 1 });
    const [first] = totalsOf(1, 1);
    const progress = { ended: false, pendingBytes: 42, initialPending: true, stopCopyBytes: 7 };
    const streams = [{ totals: first!, ...progress }];
    node.event({ kind: 'streams', generation: 1, streams });
    expect(node.view.streams).toEqual(streams);
  });

  test('an event about a device that the set does not have is a mistake of the caller, said loudly', () => {
    const node = sourceAt('PreCopy', { devices: 1 });
    const event = { kind: 'arcDone', device: 7, state: 'Running', failure: failureOf('ArcFailed') } as const;
    expect(() => node.event(event)).toThrow(RangeError);
  });
});
