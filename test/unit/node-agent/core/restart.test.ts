import { describe, expect, test } from '@jest/globals';
import type { SourcePhase, TargetPhase } from '@transship/node-agent/core';
import { totalsOf, endedStreams } from '../../../support/core-facts.ts';
import type { FakeNode, Job } from '../../../support/core-harness.ts';
import { prepareTarget, sourceAt, STOP, targetAt } from '../../../support/core-voyages.ts';
import { expectEveryEnd, expectWaiting, expectWhole } from './outcome.ts';

/** Every set of calls that may have reached its device before the process died. */
function carriedOut(node: FakeNode): Job[][] {
  return node.jobs
    .filter((job) => job !== 'streams')
    .reduce<Job[][]>((sets, job) => [...sets, ...sets.map((set) => [...set, job])], [[]]);
}

/** Restarts a copy for every such set. */
function everyRestart(node: FakeNode, check: (restarted: FakeNode) => void): void {
  for (const calls of carriedOut(node)) {
    const copy = node.fork();
    copy.restart(calls);
    check(copy);
  }
}

describe('a source agent that was restarted', () => {
  const beforeStop: readonly SourcePhase[] = [
    'Prepared',
    'PreCopying',
    'PreCopy',
    'Quiescing',
    'Quiesced',
    'Unquiescing',
  ];

  test.each(beforeStop)('in %s rolls back by itself, whole, whichever calls were carried out', (phase) => {
    everyRestart(sourceAt(phase, { devices: 2 }), (node) => {
      expectEveryEnd(node, (end) => {
        expectWhole(end);
        expect(['AgentRestarted', 'QuiesceTimeout']).toContain(end.error);
      });
    });
  });

  test.each([false, true])('in Quiescing with its arcs out rolls back whole (pre-copy: %s)', (preCopy) => {
    const node = sourceAt('Quiescing', { devices: 2, stopCopy: !preCopy });
    node.finish('workload');
    everyRestart(node, (restarted) => expectEveryEnd(restarted, expectWhole));
  });

  test('with a freeze out takes it back by a thaw, for it may yet be obeyed', () => {
    const node = sourceAt('Quiescing', { devices: 2 });
    node.restart([]);
    expect(node.orders).toContain('thaw');
    expectEveryEnd(node, expectWhole);
  });

  test('that cannot ask its workload thaws it, for it may be frozen', () => {
    const node = sourceAt('Quiesced', { devices: 2 });
    node.event({ kind: 'restarted', observed: { ...node.observation(), workload: 'unknown' } });
    expectEveryEnd(node, expectWhole);
  });

  test('in Stopping waits for the record, whichever calls were carried out, and touches nothing', () => {
    everyRestart(sourceAt('Stopping', { devices: 2 }), (node) => {
      expectWaiting(node, 'Stopping', 'AgentRestarted');
      expect(node.workload).toBe('frozen');
      expect(node.devices.every((device) => device.holds)).toBe(true);
    });
  });

  test('V1-19: in Stopping opens new saving sessions for the next generation, wherever its devices are', () => {
    everyRestart(sourceAt('Stopping', { devices: 2 }), (node) => {
      const count = node.orders.length;
      expect(node.send({ ...STOP, generation: 2 })).toBeNull();
      expectEveryEnd(node, (end) => {
        expect(end.view).toMatchObject({ phase: 'Stopped', generation: 2, error: null });
        const orders = end.orders.slice(count);
        for (const device of [0, 1]) {
          expect(orders).toContain(`${device} -> Stop`);
          expect(orders.lastIndexOf(`${device} -> StopCopy`)).toBeGreaterThan(
            orders.indexOf(`${device} -> Stop`),
          );
        }
        expect(orders.slice(-2)).toEqual(['startSaving 2', 'drain 2']);
      });
    });
  });

  test('in Stopping is taken home whole by a recorded Abort', () => {
    everyRestart(sourceAt('Stopping', { devices: 2 }), (node) => {
      expect(node.send({ kind: 'rollBack', decision: 'Abort' })).toBeNull();
      expectEveryEnd(node, expectWhole);
    });
  });

  test('in Stopped keeps its promise: nothing is touched and the totals are still told', () => {
    const node = sourceAt('Stopped', { devices: 2 });
    const before = node.agent?.session;
    node.restart();
    expectWaiting(node, 'Stopped', null);
    expect(node.agent?.session).toBe(before);
    expect(node.view.streams).toEqual(endedStreams(totalsOf(2, 1)));
    expect(node.send({ kind: 'release', decision: 'Commit' })).toBeNull();
    expect(node.settle().phase).toBe('Released');
  });

  const goesOn: readonly SourcePhase[] = ['RollingBack', 'Restarting'];

  test.each(goesOn)('in %s goes on by itself, whichever calls were carried out', (phase) => {
    everyRestart(sourceAt(phase, { devices: 2 }), (node) => expectEveryEnd(node, expectWhole));
  });

  test('in Releasing goes on by itself, whichever calls were carried out', () => {
    const node = sourceAt('Releasing', { devices: 2 });
    const discarded = node.fork();
    discarded.finish('workload');
    for (const at of [node, discarded]) {
      everyRestart(at, (restarted) => {
        expectEveryEnd(restarted, (end) => {
          expect(end.phase).toBe('Released');
          expect(end.workload).toBe('discarded');
          expect(end.devices.some((device) => device.holds)).toBe(false);
        });
      });
    }
  });

  test('in Fenced knows what it knew', () => {
    const node = sourceAt('Fenced', { devices: 2 });
    node.restart();
    expectWaiting(node, 'Fenced', null);
  });
});

describe('a target agent that was restarted', () => {
  const beforePromise: readonly TargetPhase[] = ['Preparing', 'Loading', 'Verifying'];

  test.each(beforePromise)('in %s waits, and the next generation begins with RESET', (phase) => {
    everyRestart(targetAt(phase, { devices: 2 }), (node) => {
      expectWaiting(node, phase, 'AgentRestarted');
      const count = node.orders.length;
      expect(node.send(prepareTarget(node, 2))).toBeNull();
      expect(node.settle({ until: 'Loading' }).phase).toBe('Loading');
      expect(node.orders.slice(count, count + 2)).toEqual(['reset 0', 'reset 1']);
    });
  });

  test('in Verified keeps its promise, and is activated', () => {
    const node = targetAt('Verified', { devices: 2 });
    const before = node.agent?.session;
    node.restart();
    expectWaiting(node, 'Verified', null);
    expect(node.agent?.session).toBe(before);
    expect(node.send({ kind: 'activate', decision: 'Commit' })).toBeNull();
    expect(node.settle().phase).toBe('Active');
  });

  const goesOn: readonly [TargetPhase, TargetPhase][] = [
    ['Activating', 'Active'],
    ['Starting', 'Active'],
    ['Discarding', 'Discarded'],
  ];

  test.each(goesOn)('in %s goes on by itself to %s, whichever calls were carried out', (phase, to) => {
    everyRestart(targetAt(phase, { devices: 2 }), (node) => {
      expectEveryEnd(node, (end) => {
        expect(end.view).toMatchObject({ phase: to, error: null });
        expect(end.states).toEqual(['Running', 'Running']);
        expect(end.devices.every((device) => device.holds)).toBe(to === 'Active');
      });
    });
  });

  test('in Starting with the thaw out thaws once more, or finds it done', () => {
    const node = targetAt('Starting', { devices: 2 }).settle({ leave: ['workload'] });
    everyRestart(node, (restarted) => {
      expectEveryEnd(restarted, (end) => {
        expect(end.phase).toBe('Active');
        expect(end.workload).toBe('running');
      });
    });
  });
});
