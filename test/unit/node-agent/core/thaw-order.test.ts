import { describe, expect, test } from '@jest/globals';
import type { FakeNode } from '../../../support/core-harness.ts';
import { sourceAt } from '../../../support/core-voyages.ts';
import { expectEveryEnd, expectLost, expectWhole } from './outcome.ts';

const UNDECIDED = { kind: 'rollBack', decision: 'Undecided' } as const;
const P2P = ['RunningP2P', 'PreCopyP2P'];

/** States of the devices when the workload was told to go on, in every order in which calls can end. */
function statesAtThaw(start: FakeNode): string[][] {
  const seen = new Map<string, string[]>();
  const open = [start];
  const visited = new Set<string>();
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    if (visited.has(node.fingerprint())) continue;
    visited.add(node.fingerprint());
    for (const job of node.jobs) {
      const next = node.fork();
      next.finish(job);
      const isThawed = next.orders.at(-1) === 'thaw' || next.orders.at(-2) === 'thaw';
      if (isThawed && next.jobs.includes('workload')) seen.set(next.states.join(), next.states);
      open.push(next);
    }
  }
  return [...seen.values()];
}

describe.each([false, true])('a quiesced set that goes home (pre-copy: %s)', (preCopy) => {
  const quiesced = (protocol: 'v1' | 'v2'): FakeNode =>
    sourceAt('Quiesced', { devices: 2, protocol, stopCopy: !preCopy });

  test('V2-23: is thawed when no v2 device is quiet for its peers any more', () => {
    const node = quiesced('v2');
    node.send(UNDECIDED);
    expect(node.orders).not.toContain('thaw');
    const states = statesAtThaw(node);
    expect(states.length).toBeGreaterThan(0);
    for (const at of states) expect(at.filter((state) => P2P.includes(state))).toEqual([]);
    expectEveryEnd(node, expectWhole);
  });

  test('V1-15: is thawed at once when its devices are v1, which may be used while they are quiet', () => {
    const node = quiesced('v1');
    node.send(UNDECIDED);
    expect(node.orders).toContain('thaw');
    expectEveryEnd(node, expectWhole);
  });
});

describe.each(['v1', 'v2'] as const)('a quiesce past its deadline, %s', (protocol) => {
  test.each([false, true])('thaws first, for a device may need its workload to finish (wait: %s)', (wait) => {
    const node = sourceAt('Quiescing', { devices: 2, protocol, wait });
    node.finish('workload');
    node.finish(0);
    node.event({ kind: 'quiesceDeadline' });
    expect(node.orders.at(-1)).toMatch(wait ? /^thaw$/ : /^(thaw|0 -> PreCopy)$/);
    expect(node.jobs).toContain('workload');
    expect(node.jobs).toContain(1);
  });
});

test('a v2 device that is stuck on its way home is thawed for', () => {
  const node = sourceAt('Quiesced', { devices: 2, protocol: 'v2', stopCopy: true });
  node.send(UNDECIDED);
  node.finish(0);
  expect(node.jobs).toEqual([1]);
  node.event({ kind: 'overdue', device: 1 });
  expect(node.jobs).toEqual([1, 'workload']);
  expectEveryEnd(node, expectWhole);
});

describe('a v2 device whose RESET on the way home hangs', () => {
  /** Device 1 refuses to leave the state that is quiet for its peers. */
  function resetting(devices: number): FakeNode {
    const node = sourceAt('Quiesced', { devices, protocol: 'v2', stopCopy: true });
    node.send(UNDECIDED);
    node.finish(1, 'refused');
    expect(node.orders.at(-1)).toBe('reset 1');
    return node;
  }

  test('holds its workload up no longer than the others need', () => {
    const node = resetting(2);
    expect(node.jobs).toEqual([0, 1]);
    node.finish(0);
    expect(node.jobs).toEqual([1, 'workload']);
    expectEveryEnd(node, (end) => expectLost(end, 1));
  });

  test('is thawed for once it is overdue, wherever the others are', () => {
    const node = resetting(2);
    node.event({ kind: 'overdue', device: 1 });
    expect(node.jobs).toEqual([0, 1, 'workload']);
    expectEveryEnd(node, (end) => expectLost(end, 1));
  });
});
