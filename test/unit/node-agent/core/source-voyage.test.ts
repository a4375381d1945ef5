import { describe, expect, test } from '@jest/globals';
import type { FakeNode } from '../../../support/core-harness.ts';
import { sourceAt } from '../../../support/core-voyages.ts';
import { totalsOf } from '../../../support/core-facts.ts';

const PHASES_OUT = [
  'Fenced',
  'Prepared',
  'PreCopying',
  'PreCopy',
  'Quiescing',
  'Quiesced',
  'Stopping',
  'Stopped',
];
const PHASES_OUT_STOP_COPY = PHASES_OUT.filter((phase) => !phase.startsWith('PreCop'));

/** `->` for each device of a set, in the order of their indexes. */
const each = (devices: number, to: string): string[] =>
  Array.from({ length: devices }, (_, index) => `${index} -> ${to}`);
const resets = (devices: number): string[] => Array.from({ length: devices }, (_, index) => `reset ${index}`);

describe.each([1, 4])('a source of %i device(s) with NDMA', (devices) => {
  const freeze = ['armQuiesceDeadline 2000', 'freeze'];
  const preCopied = [
    ...each(devices, 'PreCopy'),
    'startSaving 1',
    ...freeze,
    ...each(devices, 'PreCopyP2P'),
    'disarmQuiesceDeadline',
    ...each(devices, 'StopCopy'),
    'drain 1',
  ];
  const stopCopied = [
    ...freeze,
    ...each(devices, 'RunningP2P'),
    'disarmQuiesceDeadline',
    ...each(devices, 'Stop'),
    ...each(devices, 'StopCopy'),
    'startSaving 1',
    'drain 1',
  ];

  test('with pre-copy goes PreCopy, freeze, barrier A, StopCopy, drain; then is discarded, stopped and reset', () => {
    const node = sourceAt('Released', { devices });
    expect(node.phases).toEqual([...PHASES_OUT, 'Releasing', 'Released']);
    expect(node.orders).toEqual([
      ...preCopied,
      'endSaving',
      'discardWorkload',
      ...each(devices, 'Stop'),
      ...resets(devices),
    ]);
    expect(node.states).toEqual(node.ids.map(() => 'Running'));
    expect(node.workload).toBe('discarded');
  });

  test('without pre-copy goes freeze, barrier A, Stop, StopCopy, and saves only from there', () => {
    const node = sourceAt('Stopped', { devices, stopCopy: true });
    expect(node.phases).toEqual(PHASES_OUT_STOP_COPY);
    expect(node.orders).toEqual(stopCopied);
  });

  test('V1-57: rolled back after the stop goes Stop, RunningP2P, barrier, Running, thaw, and never into pre-copy', () => {
    const node = sourceAt('RolledBack', { devices });
    expect(node.phases).toEqual([...PHASES_OUT, 'RollingBack', 'Restarting', 'RolledBack']);
    expect(node.orders.slice(preCopied.length)).toEqual([
      'disarmQuiesceDeadline',
      'endSaving',
      ...each(devices, 'Stop'),
      ...each(devices, 'RunningP2P'),
      ...each(devices, 'Running'),
      'thaw',
    ]);
    expectWhole(node);
  });

  test('the promise holds what every stream of the generation amounted to', () => {
    const node = sourceAt('Stopped', { devices });
    expect(node.agent?.session.promised).toEqual(totalsOf(devices, 1));
    expect(node.view).toMatchObject({ phase: 'Stopped', generation: 1, settled: true, error: null });
  });
});

describe('a lone source without NDMA', () => {
  const alone = { devices: 1, p2p: false };

  test('V1-24, V1-25: with pre-copy is stopped straight from PreCopy, with the workload frozen', () => {
    const node = sourceAt('Released', alone);
    expect(node.phases).toEqual([...PHASES_OUT, 'Releasing', 'Released']);
    expect(node.orders).toEqual([
      '0 -> PreCopy',
      'startSaving 1',
      'armQuiesceDeadline 2000',
      'freeze',
      'disarmQuiesceDeadline',
      '0 -> StopCopy',
      'drain 1',
      'endSaving',
      'discardWorkload',
      '0 -> Stop',
      'reset 0',
    ]);
  });

  test('V1-24, V1-25: without pre-copy is stopped straight from Running', () => {
    const node = sourceAt('Stopped', { ...alone, stopCopy: true });
    expect(node.orders).toEqual([
      'armQuiesceDeadline 2000',
      'freeze',
      'disarmQuiesceDeadline',
      '0 -> Stop',
      '0 -> StopCopy',
      'startSaving 1',
      'drain 1',
    ]);
  });

  test('V1-57: rolled back after the stop goes Stop, Running, thaw', () => {
    const node = sourceAt('RolledBack', alone);
    expect(node.orders.slice(-4)).toEqual(['endSaving', '0 -> Stop', '0 -> Running', 'thaw']);
    expectWhole(node);
  });
});

describe('the order of effects of a source', () => {
  test('V1-15: no device is quieted before the workload is frozen', () => {
    const node = sourceAt('Quiescing', { devices: 2 });
    expect(node.jobs).toEqual(['workload']);
    expect(node.states).toEqual(['PreCopy', 'PreCopy']);
    node.finish('workload');
    expect(node.jobs).toEqual([0, 1]);
  });

  test('V1-38: streams are told to end only when every device is stopped', () => {
    const node = sourceAt('Stopping', { devices: 2 });
    node.finish(0);
    expect(node.orders).not.toContain('drain 1');
    node.finish(1);
    expect(node.orders.at(-1)).toBe('drain 1');
  });

  test('the promise is journalled only when every stream was taken by the target', () => {
    const node = sourceAt('Stopping', { devices: 2 }).settle({ leave: ['streams'] });
    expect(node.phase).toBe('Stopping');
    expect(node.view.settled).toBe(false);
    node.finish('streams');
    expect(node.phase).toBe('Stopped');
  });

  test('V2-29: the workload is discarded before its devices are stopped and reset', () => {
    const node = sourceAt('Releasing', { devices: 2 });
    expect(node.jobs).toEqual(['workload']);
    expect(node.states).toEqual(['StopCopy', 'StopCopy']);
  });
});

function expectWhole(node: FakeNode): void {
  expect(node.states).toEqual(node.ids.map(() => 'Running'));
  expect(node.devices.every((device) => device.holds)).toBe(true);
  expect(node.workload).toBe('running');
  expect(node.view.devices.some((device) => device.lost || device.quarantined)).toBe(false);
}
