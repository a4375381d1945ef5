import { describe, expect, test } from '@jest/globals';
import {
  bindsDevices,
  type Failure,
  type KnownState,
  type ObservedDevice,
  type Phase,
  type SourceCommand,
  type TargetCommand,
} from '@transship/node-agent/core';
import { FakeNode } from '../../../support/core-harness.ts';
import {
  ATTACH,
  PRE_COPY,
  prepareSource,
  prepareTarget,
  sourceAt,
  targetAt,
} from '../../../support/core-voyages.ts';

const prepare = (node: FakeNode): SourceCommand | TargetCommand =>
  node.role === 'source' ? prepareSource(node) : prepareTarget(node);

/** An agent with two devices, the second of which is not as it should be. */
function nodeWith(role: 'source' | 'target', second: Partial<ObservedDevice>): FakeNode {
  const node = new FakeNode(role);
  node.facts = (index) => (index === 1 ? second : {});
  node.send(ATTACH);
  return node;
}

function expectNothingBegun(node: FakeNode, refusal: Failure | null, code: string): void {
  expect(refusal).toMatchObject({ code });
  expect(node.phase).toBe('Fenced');
  expect(node.orders).toEqual([]);
}

describe.each(['source', 'target'] as const)('a %s that is asked to bind a set', (role) => {
  const unfit: readonly [string, Partial<ObservedDevice>, string][] = [
    ['V1-12: a device without VFIO_DEVICE_RESET', { resetSupported: false }, 'ResetUnsupported'],
    ['V1-25, V2-22: a device of a set without NDMA', { p2p: false }, 'NoPeerToPeerQuiesce'],
    [
      'a device that is held by a virtual machine monitor',
      { unfit: { code: 'OwnedByVmm', message: 'is held', device: `${role}/1` } },
      'OwnedByVmm',
    ],
    ['a device of another migration', { boundBy: 'another' }, 'DeviceBusy'],
    ['a device in quarantine', { quarantined: true }, 'DeviceNotMigratable'],
  ];

  test.each(unfit)('refuses %s and touches none', (_, second, code) => {
    const node = nodeWith(role, second);
    const refusal = node.send(prepare(node));
    expectNothingBegun(node, refusal, code);
    expect(refusal?.device).toBe(`${role}/1`);
  });

  const notRunning: readonly KnownState[] = [
    'RunningP2P',
    'PreCopy',
    'PreCopyP2P',
    'StopCopy',
    'Stop',
    'Resuming',
    'Error',
    'Unknown',
  ];

  test.each(notRunning)('V1-14: refuses a device that is %s, for only Running is the default', (state) => {
    const node = nodeWith(role, { state });
    expectNothingBegun(node, node.send(prepare(node)), 'DeviceNotRunning');
  });

  test('refuses a set of no devices, of one device twice, and of one that it does not have', () => {
    const node = new FakeNode(role);
    const [first = ''] = node.ids;
    const base = prepare(node);
    expectNothingBegun(node, node.send({ ...base, devices: [] } as SourceCommand), 'NoDevices');
    expectNothingBegun(
      node,
      node.send({ ...base, devices: [first, first] } as SourceCommand),
      'DuplicateDevice',
    );
    expectNothingBegun(
      node,
      node.send({ ...base, devices: [first, 'else/0'] } as SourceCommand),
      'DeviceNotFound',
    );
  });

  test('V1-25: takes a lone device without NDMA', () => {
    const node = new FakeNode(role, { devices: 1, p2p: false });
    expect(node.send(prepare(node))).toBeNull();
    expect(node.view.devices.map((device) => device.id)).toEqual(node.ids);
  });

  test('takes the set later, when what stood in the way is gone', () => {
    const node = nodeWith(role, { boundBy: 'another' });
    expect(node.send(prepare(node))).toMatchObject({ code: 'DeviceBusy' });
    node.facts = () => ({});
    expect(node.send(prepare(node))).toBeNull();
    expect(node.phase).not.toBe('Fenced');
  });
});

describe('what a source needs besides its devices', () => {
  test('V1-15: a workload that answers, for nothing may be stopped under one that cannot be frozen', () => {
    const node = new FakeNode('source');
    node.workload = 'unknown';
    expectNothingBegun(node, node.send(prepareSource(node)), 'FreezeFailed');
  });

  test('a workload at work: one that stands still may be the copy that an earlier migration gave up here', () => {
    const node = new FakeNode('source');
    node.workload = 'frozen';
    expectNothingBegun(node, node.send(prepareSource(node)), 'WorkloadFailed');
  });

  test('every device of its workload: half of one is refused before anything is touched', () => {
    const node = new FakeNode('source');
    node.workloadDevices = [...node.ids, 'source/2', 'source/3'];
    const refusal = node.send(prepareSource(node));
    expectNothingBegun(node, refusal, 'SetIncomplete');
    expect(refusal).toMatchObject({ device: 'source/2', message: expect.stringContaining('source/3') });
    node.workloadDevices = node.ids;
    expect(node.send(prepareSource(node))).toBeNull();
  });

  test('the same prepare again neither binds nor hands out a ticket anew', () => {
    const node = sourceAt('Prepared');
    const before = node.agent?.session;
    expect(node.send(prepareSource(node))).toBeNull();
    expect(node.agent?.session).toEqual({ ...before, sequence: (before?.sequence ?? 0) + 1 });
  });
});

test('a target takes all devices of a workload: the rest could be taken for another load into the same one', () => {
  const node = new FakeNode('target');
  node.workloadDevices = [...node.ids, 'target/2'];
  expectNothingBegun(node, node.send(prepareTarget(node)), 'SetIncomplete');
  node.workloadDevices = node.ids;
  expect(node.send(prepareTarget(node))).toBeNull();
});

test('V2-02: a set with a device that cannot be copied while it runs enters no pre-copy', () => {
  const node = nodeWith('source', { preCopy: false });
  node.send(prepareSource(node));
  expect(node.view.devices.map(({ preCopy }) => preCopy)).toEqual([true, false]);
  expect(node.send(PRE_COPY)).toMatchObject({ code: 'IllegalPhase', device: 'source/1' });
  expect(node.orders).toEqual([]);
});

test('a target refuses devices on which a workload runs, before it resets one of them', () => {
  const node = new FakeNode('target');
  node.workload = 'running';
  expectNothingBegun(node, node.send(prepareTarget(node)), 'DeviceBusy');
});

test('a target refuses devices whose workload does not answer: it may be at work on them', () => {
  const node = new FakeNode('target');
  node.workload = 'unknown';
  expectNothingBegun(node, node.send(prepareTarget(node)), 'FreezeFailed');
  node.workload = 'discarded';
  expect(node.send(prepareTarget(node))).toBeNull();
});

describe('devices are bound', () => {
  const binding: readonly [Phase, boolean][] = [
    ['Fenced', false],
    ['Prepared', true],
    ['PreCopy', true],
    ['Quiesced', true],
    ['Unquiescing', true],
    ['Stopped', true],
    ['RollingBack', true],
    ['Restarting', true],
    ['Releasing', true],
    ['RolledBack', false],
    ['Released', false],
    ['Preparing', true],
    ['Loading', true],
    ['Verified', true],
    ['Starting', true],
    ['Discarding', true],
    ['Active', false],
    ['Discarded', false],
  ];

  test.each(binding)('in %s: %s', (phase, bound) => {
    expect(bindsDevices(phase)).toBe(bound);
  });

  test('from prepare to the tombstone, and one whose RESET failed is named as withheld there too', () => {
    const node = targetAt('Discarding');
    node.finish(1, 'refused');
    node.settle();
    expect(node.phase).toBe('Discarded');
    expect(node.view.devices.map((device) => device.quarantined)).toEqual([false, true]);
  });
});
