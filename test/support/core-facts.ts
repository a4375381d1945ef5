import {
  streamsOfSet,
  type Effect,
  type Failure,
  type StreamProgress,
  type StreamTotals,
} from '@transship/node-agent/core';

export const UID = 'a-migration';

/** Unless a test says otherwise: what a finished stream amounts to; equal on both sides for equal generations. */
export const totalsOf = (devices: number, generation: number): StreamTotals[] =>
  streamsOfSet(devices).map((id, index) => ({
    ...id,
    bytes: 1000 * generation + index,
    segments: 10 + index,
    crc32c: 77 * generation,
  }));

export const endedStreams = (totals: readonly StreamTotals[]): StreamProgress[] =>
  totals.map((each) => ({
    totals: each,
    ended: true,
    pendingBytes: 0,
    initialPending: false,
    stopCopyBytes: 0,
  }));

export const failureOf = (code: string): Failure => ({ code, message: `${code} of the test`, device: null });

/** An order as tests name it, e.g. `0 -> RunningP2P`, `reset 1`, `drain 2`, `freeze`. */
export function textOf(effect: Effect): string {
  switch (effect.kind) {
    case 'arc':
      return `${effect.device} -> ${effect.to}`;
    case 'reset':
      return `reset ${effect.device}`;
    case 'startSaving':
    case 'drain':
    case 'startLoading':
      return `${effect.kind} ${effect.generation}`;
    case 'armQuiesceDeadline':
      return `${effect.kind} ${effect.ms}`;
    default:
      return effect.kind;
  }
}
