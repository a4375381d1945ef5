import { describe, expect, test } from '@jest/globals';
import { endedStreams, failureOf, totalsOf } from '../../../support/core-facts.ts';
import type { FakeNode } from '../../../support/core-harness.ts';
import {
  PRE_COPY,
  prepareTarget,
  QUIESCE,
  sourceAt,
  STOP,
  targetAt,
  verify,
} from '../../../support/core-voyages.ts';
import { expectEveryEnd, expectWaiting } from './outcome.ts';

const since = (node: FakeNode, count: number): string[] => node.orders.slice(count);

describe('a new generation in pre-copy', () => {
  test('V1-19: leaves the saving session of every device before it opens another', () => {
    const node = sourceAt('PreCopy', { devices: 2 });
    const count = node.orders.length;
    expect(node.send({ ...PRE_COPY, generation: 2 })).toBeNull();
    expectEveryEnd(node, (end) => {
      expect(end.view).toMatchObject({ phase: 'PreCopy', generation: 2 });
      expect(since(end, count)[0]).toBe('endSaving');
      expect(since(end, count).at(-1)).toBe('startSaving 2');
      for (const device of [0, 1]) {
        const own = since(end, count).filter((order) => order.startsWith(`${device} `));
        expect(own).toEqual([`${device} -> Running`, `${device} -> PreCopy`]);
      }
      expect(end.workload).toBe('running');
    });
  });

  test('the same generation again starts nothing', () => {
    const node = sourceAt('PreCopy', { devices: 2 });
    const count = node.orders.length;
    expect(node.send(PRE_COPY)).toBeNull();
    expect(since(node, count)).toEqual([]);
  });

  test('an older generation is refused', () => {
    const node = sourceAt('PreCopy', { devices: 2 });
    node.send({ ...PRE_COPY, generation: 3 });
    node.settle();
    expect(node.send({ ...PRE_COPY, generation: 2 })).toMatchObject({ code: 'IllegalPhase' });
    expect(node.view).toMatchObject({ phase: 'PreCopy', generation: 3 });
  });

  test('the first pre-copy may already be of a later generation than prepare', () => {
    const node = sourceAt('Prepared', { devices: 2 });
    expect(node.send({ ...PRE_COPY, generation: 2 })).toBeNull();
    expect(node.settle().view).toMatchObject({ phase: 'PreCopy', generation: 2 });
    expect(node.orders.at(-1)).toBe('startSaving 2');
  });
});

describe('a new generation of a stopped source', () => {
  test('V1-19: goes StopCopy, Stop, StopCopy with the decision still open, and takes the promise back', () => {
    const node = sourceAt('Stopped', { devices: 2 });
    const count = node.orders.length;
    expect(node.send({ ...STOP, generation: 2 })).toBeNull();
    expect(node.phase).toBe('Stopping');
    expect(node.agent?.session.promised).toEqual([]);
    expectEveryEnd(node, (end) => {
      expect(end.view).toMatchObject({ phase: 'Stopped', generation: 2, decision: 'Undecided' });
      expect(end.agent?.session.promised).toEqual(totalsOf(2, 2));
      expect(since(end, count).toSorted()).toEqual(
        [
          'endSaving',
          '0 -> Stop',
          '1 -> Stop',
          '0 -> StopCopy',
          '1 -> StopCopy',
          'startSaving 2',
          'drain 2',
        ].toSorted(),
      );
      expect(end.workload).toBe('frozen');
    });
  });

  test('the same generation again starts nothing and keeps the promise', () => {
    const node = sourceAt('Stopped', { devices: 2 });
    const count = node.orders.length;
    expect(node.send(STOP)).toBeNull();
    expect(since(node, count)).toEqual([]);
    expect(node.agent?.session.promised).toEqual(totalsOf(2, 1));
  });

  test('an older generation is refused', () => {
    const node = sourceAt('Stopped', { devices: 2 });
    node.send({ ...STOP, generation: 3 });
    node.settle();
    expect(node.send({ ...STOP, generation: 2 })).toMatchObject({ code: 'IllegalPhase' });
    expect(node.view).toMatchObject({ phase: 'Stopped', generation: 3 });
  });

  test('is taken when the streams of the one before failed', () => {
    const node = sourceAt('Stopping', { devices: 2 }).settle({ leave: ['streams'] });
    node.finish('streams', 'refused');
    expect(node.send({ ...STOP, generation: 2 })).toBeNull();
    expect(node.settle().view).toMatchObject({ phase: 'Stopped', generation: 2, error: null });
  });

  test('V1-19: a set that was pre-copied for another generation does not go on with its session', () => {
    const node = sourceAt('Quiesced', { devices: 2 });
    const count = node.orders.length;
    expect(node.send({ ...STOP, generation: 2 })).toBeNull();
    node.settle();
    expect(since(node, count).filter((order) => order.startsWith('0 '))).toEqual([
      '0 -> StopCopy',
      '0 -> Stop',
      '0 -> StopCopy',
    ]);
    expect(since(node, count)).toContain('endSaving');
    expect(node.view).toMatchObject({ phase: 'Stopped', generation: 2 });
  });

  test('V1-19: a device that comes back at StopCopy still has the session of the generation before', () => {
    const node = sourceAt('Stopping', { devices: 2 }).settle({ leave: ['streams'] });
    node.answers(1, false);
    node.finish('streams', 'refused');
    expect(node.send({ ...STOP, generation: 2 })).toBeNull();
    node.settle();
    expect(node.view).toMatchObject({ phase: 'Stopping', settled: false });
    const count = node.orders.length;
    node.answers(1, true);
    node.settle();
    expect(since(node, count).filter((order) => order.startsWith('1 '))).toEqual([
      '1 -> Stop',
      '1 -> StopCopy',
    ]);
    expect(node.phase).toBe('Stopped');
  });

  test('V1-19: a device found saving without an order of ours does not count as saving for us', () => {
    const node = sourceAt('Quiesced', { devices: 2, stopCopy: true });
    node.send(STOP);
    node.finish(0);
    node.finish(1, 'unanswered');
    node.settle();
    // The call had its effect, and somebody has opened a saving session since.
    node.devices[1]!.state = 'StopCopy';
    node.answers(1, true);
    const count = node.orders.length;
    expect(node.send(STOP)).toBeNull();
    node.settle();
    expect(since(node, count).filter((order) => order.startsWith('1 '))).toEqual([
      '1 -> Stop',
      '1 -> StopCopy',
    ]);
    expect(node.phase).toBe('Stopped');
  });

  test('V1-20: a device that was away for a moment in pre-copy keeps its session over the stop', () => {
    const node = sourceAt('PreCopy', { devices: 2 });
    node.answers(1, false);
    node.answers(1, true);
    node.send(QUIESCE);
    node.settle();
    node.send(STOP);
    node.settle();
    expect(node.orders.filter((order) => order.endsWith('-> Stop'))).toEqual([]);
    expect(node.phase).toBe('Stopped');
  });
});

describe('news of an old generation', () => {
  const late = (node: FakeNode, generation: number): void =>
    void node.event({ kind: 'streams', generation, streams: endedStreams(totalsOf(2, generation)) });

  test('streams that ended do not complete the stop of the next one', () => {
    const node = sourceAt('Stopped', { devices: 2 });
    node.send({ ...STOP, generation: 2 });
    node.settle({ leave: ['streams'] });
    late(node, 1);
    expect(node.phase).toBe('Stopping');
    expect(node.view.streams.every((stream) => !stream.ended)).toBe(true);
    late(node, 2);
    expect(node.phase).toBe('Stopped');
    expect(node.agent?.session.promised).toEqual(totalsOf(2, 2));
  });

  test('a stream that failed does not stop the next one', () => {
    const node = sourceAt('Stopped', { devices: 2 });
    node.send({ ...STOP, generation: 2 });
    node.event({ kind: 'streamFailed', generation: 1, failure: failureOf('StreamCorrupt') });
    expect(node.error).toBeNull();
    expect(node.settle().phase).toBe('Stopped');
  });

  test('does not count as arrived at the target', () => {
    const node = targetAt('Loading', { devices: 2 });
    node.send(prepareTarget(node, 2));
    node.settle({ until: 'Loading' });
    late(node, 1);
    expect(node.view.streams.some((stream) => stream.ended)).toBe(false);
    expect(node.send(verify(node, 2))).toMatchObject({ code: 'IllegalPhase' });
    expect(node.phase).toBe('Loading');
  });

  test('does not fail the load of the next one', () => {
    const node = targetAt('Loading', { devices: 2 });
    node.send(prepareTarget(node, 2));
    node.event({ kind: 'streamFailed', generation: 1, failure: failureOf('StreamCorrupt') });
    expect(node.error).toBeNull();
    expect(node.settle().view).toMatchObject({ phase: 'Loading', settled: true, error: null });
  });

  test('means nothing before anything is streamed, and after it has ended', () => {
    const before = sourceAt('Prepared', { devices: 2 });
    late(before, 1);
    expect(before.view.streams.some((stream) => stream.ended)).toBe(false);
    const after = targetAt('Verified', { devices: 2 });
    after.event({ kind: 'streamFailed', generation: 1, failure: failureOf('StreamCorrupt') });
    expectWaiting(after, 'Verified', null);
  });
});

describe('a new generation at the target', () => {
  test('ends the load under way, and resets every device', () => {
    const node = targetAt('Loading', { devices: 2 });
    const count = node.orders.length;
    const command = prepareTarget(node, 2);
    if (command.kind !== 'prepare') throw new Error('not a prepare');
    expect(node.send({ ...command, pull: { ...command.pull, ticket: 'second' } })).toBeNull();
    expect(since(node, count)).toEqual(['endLoading', 'reset 0', 'reset 1']);
    expect(node.settle().view).toMatchObject({ phase: 'Loading', generation: 2 });
  });

  test('an older one is refused', () => {
    const node = targetAt('Loading', { devices: 2 });
    node.send(prepareTarget(node, 3));
    expect(node.send(prepareTarget(node, 2))).toMatchObject({ code: 'IllegalPhase' });
    expect(node.view.generation).toBe(3);
  });

  test('is refused once the set is verified: that was a promise', () => {
    const node = targetAt('Verified', { devices: 2 });
    expect(node.send(prepareTarget(node, 2))).toMatchObject({ code: 'IllegalPhase' });
    expectWaiting(node, 'Verified', null);
  });
});
