import { describe, expect, test } from '@jest/globals';
import type { SourcePhase, TargetPhase } from '@transship/node-agent/core';
import { FakeNode } from '../../../support/core-harness.ts';
import {
  ATTACH,
  everyOrder,
  PRE_COPY,
  prepareSource,
  prepareTarget,
  QUIESCE,
  sourceAt,
  STOP,
  targetAt,
  verify,
} from '../../../support/core-voyages.ts';

/** Every order in which `count` devices can be the next to answer. */
function permutations(count: number): number[][] {
  if (count === 0) return [[]];
  return permutations(count - 1).flatMap((shorter) =>
    Array.from({ length: count }, (_, at) => shorter.toSpliced(at, 0, count - 1)),
  );
}

/** Lets everything end, devices always in this order of preference. */
function settleInOrder(node: FakeNode, order: readonly number[]): void {
  for (let turns = 0; node.jobs.length > 0; turns += 1) {
    if (turns > 500) throw new Error('it does not settle');
    const device = order.find((index) => node.jobs.includes(index));
    node.finish(device ?? node.jobs[0]!);
  }
}

/** The harness throws when an order breaks V1-26 or V1-27; here the phases are what is left to say. */
describe('four devices answer in every permutation', () => {
  const orders = permutations(4);

  test('there are 24 of them', () => {
    expect(new Set(orders.map(String)).size).toBe(24);
  });

  test.each(orders)('V1-26: %i %i %i %i: no source is stopped before the set is quiet', (...order) => {
    const node = new FakeNode('source', { devices: 4 });
    for (const command of [ATTACH, prepareSource(node), PRE_COPY, QUIESCE, STOP]) {
      expect(node.send(command)).toBeNull();
      settleInOrder(node, order);
    }
    expect(node.phase).toBe('Stopped');
    const quieted = node.orders.findLastIndex((text) => text.endsWith('PreCopyP2P'));
    const stopped = node.orders.findIndex((text) => text.endsWith('StopCopy'));
    expect(stopped).toBeGreaterThan(quieted);
    node.send({ kind: 'rollBack', decision: 'Abort' });
    settleInOrder(node, order);
    expect(node.phase).toBe('RolledBack');
    const home = node.orders.findIndex((text) => text.endsWith('-> Running'));
    expect(home).toBeGreaterThan(node.orders.findLastIndex((text) => text.endsWith('-> RunningP2P')));
  });

  test.each(orders)('V1-27: %i %i %i %i: no target runs before the set is quiet', (...order) => {
    const node = new FakeNode('target', { devices: 4 });
    for (const command of [
      ATTACH,
      prepareTarget(node),
      verify(node),
      { kind: 'activate', decision: 'Commit' } as const,
    ]) {
      expect(node.send(command)).toBeNull();
      settleInOrder(node, order);
    }
    expect(node.phase).toBe('Active');
    const runs = node.orders.findLastIndex((text) => text.endsWith('-> RunningP2P'));
    expect(node.orders.findLastIndex((text) => text.endsWith('-> Stop'))).toBeLessThan(runs);
    expect(node.orders.findIndex((text) => text.endsWith('-> Running'))).toBeGreaterThan(runs);
  });
});

/** Not only the same order at every step: every interleaving of three devices, workload and streams. */
describe('three devices answer in every interleaving', () => {
  const sources: readonly [SourcePhase, SourcePhase][] = [
    ['PreCopying', 'PreCopy'],
    ['Quiescing', 'Quiesced'],
    ['Unquiescing', 'PreCopy'],
    ['Stopping', 'Stopped'],
    ['RollingBack', 'RolledBack'],
    ['Restarting', 'RolledBack'],
    ['Releasing', 'Released'],
  ];
  const targets: readonly [TargetPhase, TargetPhase][] = [
    ['Preparing', 'Loading'],
    ['Verifying', 'Verified'],
    ['Activating', 'Active'],
    ['Starting', 'Active'],
    ['Discarding', 'Discarded'],
  ];

  test.each(sources)('a source from %s ends at %s, whoever is last', (from, to) => {
    const { ends, visited } = everyOrder(sourceAt(from, { devices: 3 }));
    expect(new Set(ends.map((node) => node.phase))).toEqual(new Set([to]));
    expect(visited).toBeGreaterThanOrEqual(8);
  });

  test.each(sources.filter(([from]) => !from.startsWith('PreCop')))(
    'a source without pre-copy from %s ends as well',
    (from, to) => {
      const { ends } = everyOrder(sourceAt(from, { devices: 3, stopCopy: true }));
      expect(new Set(ends.map((node) => node.phase))).toEqual(
        new Set([from === 'Unquiescing' ? 'Prepared' : to]),
      );
    },
  );

  test.each(targets)('a target from %s ends at %s, whoever is last', (from, to) => {
    const { ends, visited } = everyOrder(targetAt(from, { devices: 3 }));
    expect(new Set(ends.map((node) => node.phase))).toEqual(new Set([to]));
    expect(visited).toBeGreaterThanOrEqual(8);
  });
});
