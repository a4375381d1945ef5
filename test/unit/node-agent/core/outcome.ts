import { expect } from '@jest/globals';
import type { FakeNode } from '../../../support/core-harness.ts';
import { everyOrder } from '../../../support/core-voyages.ts';

/** The set runs here with all that it had: invariant 2, the good half. */
export function expectWhole(node: FakeNode): void {
  expect(node.phase).toBe('RolledBack');
  expect(node.states).toEqual(node.ids.map(() => 'Running'));
  expect(node.devices.map((device) => device.holds)).toEqual(node.ids.map(() => true));
  expect(node.workload).toBe('running');
  expect(node.view.devices.map(({ lost, quarantined }) => lost || quarantined)).toEqual(
    node.ids.map(() => false),
  );
}

/** The set runs here but for one device, which was reset and is named as lost. */
export function expectLost(node: FakeNode, lost: number): void {
  expect(node.phase).toBe('RolledBack');
  expect(node.states).toEqual(node.ids.map(() => 'Running'));
  expect(node.devices.map((device) => device.holds)).toEqual(node.ids.map((_, index) => index !== lost));
  expect(node.workload).toBe('running');
  expect(node.view.devices.map((device) => device.lost)).toEqual(node.ids.map((_, index) => index === lost));
  expect(node.view.devices.some((device) => device.quarantined)).toBe(false);
}

/** Whatever is answered in whatever order from here on, `check` holds when nothing is left. */
export function expectEveryEnd(node: FakeNode, check: (end: FakeNode) => void): void {
  const { ends } = everyOrder(node);
  expect(ends.length).toBeGreaterThan(0);
  for (const end of ends) check(end);
}

/** Nothing is under way and nothing happens by itself: the session waits for a command. */
export function expectWaiting(node: FakeNode, phase: string, error: string | null): void {
  expect(node.jobs).toEqual([]);
  expect(node.view).toMatchObject({ phase, settled: true });
  expect(node.error).toBe(error);
}
