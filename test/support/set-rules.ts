import type { DeviceState, Effect, KnownState, WorkloadState } from '@transship/node-agent/core';
import { answers, startsDma, v1Arcs } from './v1-arcs.ts';

/** A device as the rules see it. */
export interface SetDevice {
  readonly state: KnownState;
  readonly p2p: boolean;
  /** The workload's state is in it; an empty device has nothing to lose. */
  readonly holds: boolean;
  /** What is out on it: the state an arc leads to, a RESET, or nothing. */
  readonly out: DeviceState | 'reset' | null;
}

const could = (device: SetDevice, test: (state: DeviceState) => boolean): boolean =>
  [device.state, device.out].some(
    (state) => state !== 'Unknown' && state !== 'reset' && state !== null && test(state),
  );
const couldStartDma = (device: SetDevice): boolean => could(device, startsDma);
const couldRefuseDma = (device: SetDevice): boolean => could(device, (state) => !answers(state));

/**
 * Which rule of the conformance list an order to a set breaks, or null. Written from the list alone, so that
 * it judges the transitions instead of repeating them.
 */
export function brokenRule(set: readonly SetDevice[], workload: WorkloadState, order: Effect): string | null {
  switch (order.kind) {
    case 'arc':
      return arcBreaks(set, workload, order.device, order.to);
    case 'reset':
      return set[order.device]?.out === null ? null : 'V2-39: RESET while another operation is out';
    case 'drain':
      return everyIdle(set, ['StopCopy']) ? null : 'V1-38: drained before every device is stopped';
    case 'startSaving':
      return everyIdle(set, ['PreCopy', 'PreCopyP2P', 'StopCopy']) ? null : 'V1-40: saved from !SAVING';
    case 'startLoading':
      return everyIdle(set, ['Resuming']) ? null : 'V1-48: loaded into a device that is not Resuming';
    case 'thaw':
      return set.some((device) => device.holds && couldRefuseDma(device))
        ? 'V1-15: thawed while a device is stopped'
        : null;
    case 'discardWorkload':
      return workload === 'frozen' ? null : 'a workload is discarded that is not frozen';
    default:
      return null;
  }
}

const everyIdle = (set: readonly SetDevice[], states: readonly KnownState[]): boolean =>
  set.every(({ state, out }) => out === null && states.includes(state));

function arcBreaks(
  set: readonly SetDevice[],
  workload: WorkloadState,
  index: number,
  to: DeviceState,
): string | null {
  const device = set[index];
  if (device === undefined) return `no device ${index}`;
  const { state, p2p, holds, out } = device;
  if (out !== null) return 'V2-39: an arc while another operation is out';
  if (state === 'Unknown') return 'an arc on a device that does not answer';
  if (state === 'Error') return 'V1-10: an arc out of Error';
  if (!v1Arcs(state, p2p).has(to)) return `V1-06: ${state} -> ${to} is no single arc`;
  if (holds && to === 'Resuming') return 'V1-56: Resuming entered with live state';
  const stops = answers(state) && !answers(to);
  if (holds && stops && workload !== 'frozen') return 'V1-15: stopped under a running workload';
  const after = set.with(index, { ...device, out: to }).filter((one) => one.holds);
  const leak = after.some(
    (one) => couldStartDma(one) && after.some((other) => other !== one && couldRefuseDma(other)),
  );
  if (leak) return stops ? 'V1-26: stopped before the set is quiet' : 'V1-27: runs before the set is quiet';
  return null;
}
