/** Device states, one vocabulary for both migration protocols (v1 values in brackets). */
export type DeviceState =
  | 'Running' // 0x1
  | 'RunningP2P' // 0x9: runs, initiates no DMA
  | 'PreCopy' // 0x3
  | 'PreCopyP2P' // 0xB
  | 'StopCopy' // 0x2
  | 'Stop' // 0x0
  | 'Resuming' // 0x4
  | 'Error'; // 0x6: only RESET leaves it

/** `Unknown`: the device does not answer, or nobody has asked it yet. */
export type KnownState = DeviceState | 'Unknown';

/** The device executes and may start DMA into a peer. */
export const initiatesDma = (state: KnownState): boolean => state === 'Running' || state === 'PreCopy';

/** The device takes a peer's DMA; anything else loses it. */
export const takesDma = (state: KnownState): boolean =>
  state === 'Running' || state === 'PreCopy' || state === 'RunningP2P' || state === 'PreCopyP2P';

/**
 * Single arcs that a set may walk. `Running -> Stop`, `PreCopy -> StopCopy` and `Stop -> Running` skip the
 * quiescent state and exist only for a lone device without peer-to-peer quiesce (V1-25, V2-21).
 */
const ARCS_WITH_P2P: Readonly<Record<DeviceState, readonly DeviceState[]>> = {
  Running: ['RunningP2P', 'PreCopy'],
  RunningP2P: ['Running', 'PreCopyP2P', 'Stop'],
  PreCopy: ['PreCopyP2P', 'Running'],
  PreCopyP2P: ['PreCopy', 'RunningP2P', 'StopCopy'],
  StopCopy: ['Stop'],
  Stop: ['StopCopy', 'RunningP2P', 'Resuming'],
  Resuming: ['Stop'],
  Error: [],
};

const ARCS_WITHOUT_P2P: Readonly<Record<DeviceState, readonly DeviceState[]>> = {
  Running: ['PreCopy', 'Stop'],
  RunningP2P: [],
  PreCopy: ['Running', 'StopCopy'],
  PreCopyP2P: [],
  StopCopy: ['Stop'],
  Stop: ['StopCopy', 'Running', 'Resuming'],
  Resuming: ['Stop'],
  Error: [],
};

/** Legal single steps from a state, in order of preference; empty in Error. */
export function arcs(from: DeviceState, p2p: boolean): readonly DeviceState[] {
  return (p2p ? ARCS_WITH_P2P : ARCS_WITHOUT_P2P)[from];
}
