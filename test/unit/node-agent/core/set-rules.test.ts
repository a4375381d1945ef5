import { describe, expect, test } from '@jest/globals';
import type { Effect, WorkloadState } from '@transship/node-agent/core';
import { brokenRule, type SetDevice } from '../../../support/set-rules.ts';

/** The judge of the other tests is itself judged: each rule is seen to be broken once, and kept once. */
const device = (state: SetDevice['state'], change: Partial<SetDevice> = {}): SetDevice => ({
  state,
  p2p: true,
  holds: true,
  out: null,
  ...change,
});
const arc = (index: number, to: SetDevice['state']): Effect => ({
  kind: 'arc',
  device: index,
  to: to as never,
});
const quiet = device('RunningP2P');

const CASES: readonly [string, string | null, SetDevice[], WorkloadState, Effect][] = [
  ['one is stopped while all are quiet', null, [quiet, quiet], 'frozen', arc(0, 'Stop')],
  ['one is stopped while a peer runs', 'V1-26', [quiet, device('Running')], 'frozen', arc(0, 'Stop')],
  [
    'one is stopped while a peer is still on its way to be quiet',
    'V1-26',
    [quiet, device('Running', { out: 'RunningP2P' })],
    'frozen',
    arc(0, 'Stop'),
  ],
  [
    'one is stopped while a peer may run again',
    'V1-26',
    [quiet, device('RunningP2P', { out: 'Running' })],
    'frozen',
    arc(0, 'Stop'),
  ],
  ['one runs while all are quiet', null, [quiet, quiet], 'frozen', arc(0, 'Running')],
  ['one runs while a peer is stopped', 'V1-27', [quiet, device('Stop')], 'frozen', arc(0, 'Running')],
  [
    'one runs while a peer is still on its way out of Stop',
    'V1-27',
    [quiet, device('Stop', { out: 'RunningP2P' })],
    'frozen',
    arc(0, 'Running'),
  ],
  [
    'a peer that holds nothing is no peer',
    null,
    [quiet, device('Stop', { holds: false })],
    'frozen',
    arc(0, 'Running'),
  ],
  ['one is stopped under a running workload', 'V1-15', [quiet], 'running', arc(0, 'Stop')],
  ['an arc of two bits', 'V1-06', [device('PreCopy')], 'frozen', arc(0, 'StopCopy')],
  ['the same arc without NDMA', null, [device('PreCopy', { p2p: false })], 'frozen', arc(0, 'StopCopy')],
  ['an arc out of Error', 'V1-10', [device('Error')], 'frozen', arc(0, 'Stop')],
  [
    'an arc on a device that is busy',
    'V2-39',
    [device('Running', { out: 'PreCopy' })],
    'running',
    arc(0, 'PreCopy'),
  ],
  [
    'a RESET of a device that is busy',
    'V2-39',
    [device('Stop', { out: 'reset' })],
    'frozen',
    { kind: 'reset', device: 0, restore: '' },
  ],
  ['Resuming entered with state', 'V1-56', [device('Stop')], 'frozen', arc(0, 'Resuming')],
  ['Resuming entered without', null, [device('Stop', { holds: false })], 'frozen', arc(0, 'Resuming')],
  ['drained at StopCopy', null, [device('StopCopy')], 'frozen', { kind: 'drain', generation: 1 }],
  [
    'drained while one runs',
    'V1-38',
    [device('StopCopy'), device('PreCopyP2P')],
    'frozen',
    { kind: 'drain', generation: 1 },
  ],
  ['saved from Running', 'V1-40', [device('Running')], 'running', { kind: 'startSaving', generation: 1 }],
  ['loaded into Stop', 'V1-48', [device('Stop')], 'frozen', { kind: 'startLoading', generation: 1 }],
  ['thawed while one is stopped', 'V1-15', [device('Running'), device('Stop')], 'frozen', { kind: 'thaw' }],
  ['thawed while all answer', null, [device('Running'), quiet], 'frozen', { kind: 'thaw' }],
];

describe('the judge of orders', () => {
  test.each(CASES)('%s: %s', (_, item, set, workload, order) => {
    const broken = brokenRule(set, workload, order);
    expect(broken === null ? null : broken.split(':')[0]).toBe(item);
  });

  test('a workload is discarded only while frozen', () => {
    expect(brokenRule([], 'running', { kind: 'discardWorkload' })).not.toBeNull();
    expect(brokenRule([], 'frozen', { kind: 'discardWorkload' })).toBeNull();
  });
});
