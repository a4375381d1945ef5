import { describe, expect, test } from '@jest/globals';
import { arcs, initiatesDma, takesDma, type DeviceState } from '@transship/node-agent/core';
import { answers, bitsOf, isValid, startsDma, STATES, v1Arcs } from '../../../support/v1-arcs.ts';

/** The arcs of the kernel's `vfio_mig_get_next_state` with every optional capability, written out by hand. */
const V2_WITH_P2P: readonly [DeviceState, DeviceState][] = [
  ['Resuming', 'Stop'],
  ['Stop', 'Resuming'],
  ['Stop', 'StopCopy'],
  ['StopCopy', 'Stop'],
  ['Running', 'RunningP2P'],
  ['RunningP2P', 'Running'],
  ['RunningP2P', 'Stop'],
  ['Stop', 'RunningP2P'],
  ['Running', 'PreCopy'],
  ['PreCopy', 'Running'],
  ['PreCopy', 'PreCopyP2P'],
  ['PreCopyP2P', 'PreCopy'],
  ['RunningP2P', 'PreCopyP2P'],
  ['PreCopyP2P', 'RunningP2P'],
  ['PreCopyP2P', 'StopCopy'],
];

/** The same without VFIO_MIGRATION_P2P. */
const V2_WITHOUT_P2P: readonly [DeviceState, DeviceState][] = [
  ['Resuming', 'Stop'],
  ['Stop', 'Resuming'],
  ['Stop', 'StopCopy'],
  ['StopCopy', 'Stop'],
  ['Running', 'Stop'],
  ['Stop', 'Running'],
  ['Running', 'PreCopy'],
  ['PreCopy', 'Running'],
  ['PreCopy', 'StopCopy'],
];

const sorted = (states: Iterable<DeviceState>): DeviceState[] => [...states].toSorted();
const targets = (table: readonly [DeviceState, DeviceState][], from: DeviceState): DeviceState[] =>
  sorted(table.filter(([state]) => state === from).map(([, to]) => to));

describe('the table of single arcs', () => {
  describe.each([true, false])('of a device whose NDMA capability is %s', (p2p) => {
    test.each(STATES)('V1-05, V1-06, V1-30: from %s is what the bits of the register allow', (from) => {
      expect(sorted(arcs(from, p2p))).toEqual(sorted(v1Arcs(from, p2p)));
    });

    test.each(STATES)('V2-05, V2-09: from %s is what the kernel steps through', (from) => {
      const table = p2p ? V2_WITH_P2P : V2_WITHOUT_P2P;
      expect(sorted(arcs(from, p2p))).toEqual(targets(table, from));
    });

    test('V1-10: nothing leads out of Error', () => {
      expect(arcs('Error', p2p)).toEqual([]);
    });

    test('V1-05, V2-03: nothing leads into Error or another invalid value', () => {
      const reached = STATES.flatMap((from) => arcs(from, p2p));
      expect(reached.filter((state) => !isValid(bitsOf(state)))).toEqual([]);
    });
  });

  test('V1-26: with NDMA, no arc clears RUNNING of a device that still starts DMA', () => {
    const leaks = STATES.flatMap((from) =>
      arcs(from, true)
        .filter((to) => startsDma(from) && !answers(to))
        .map((to) => `${from} -> ${to}`),
    );
    expect(leaks).toEqual([]);
  });

  test('V1-27: with NDMA, no arc sets RUNNING and lets DMA start in the same write', () => {
    const leaks = STATES.flatMap((from) =>
      arcs(from, true)
        .filter((to) => !answers(from) && startsDma(to))
        .map((to) => `${from} -> ${to}`),
    );
    expect(leaks).toEqual([]);
  });

  test('V1-24: without NDMA, no arc names a state that needs it', () => {
    const used = STATES.flatMap((from) => arcs(from, false));
    expect(used).not.toContain('RunningP2P');
    expect(used).not.toContain('PreCopyP2P');
  });
});

describe('what a state says about DMA', () => {
  test.each(STATES.filter((state) => state !== 'Error'))('%s: bits 0 and 3 decide', (state) => {
    expect(initiatesDma(state)).toBe(startsDma(state));
    expect(takesDma(state)).toBe(answers(state));
  });

  test('a device that does not answer, or is in Error, counts neither as starting nor as taking DMA', () => {
    for (const state of ['Unknown', 'Error'] as const) {
      expect(initiatesDma(state)).toBe(false);
      expect(takesDma(state)).toBe(false);
    }
  });
});
