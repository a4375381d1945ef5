import type { DeviceState } from '@transship/node-agent/core';

/** Bits of the v1 device_state register (vfio-ndma-rfc.txt L165-233). */
const RUNNING = 1 << 0;
const SAVING = 1 << 1;
const RESUMING = 1 << 2;
const NDMA = 1 << 3;
const BITS = [RUNNING, SAVING, RESUMING, NDMA] as const;
const NIBBLES = Array.from({ length: 16 }, (_, value) => value);

const has = (value: number, bit: number): boolean => (value & bit) !== 0;

/** VFIO_DEVICE_STATE_VALID (L433-437): RESUMING goes with neither SAVING nor RUNNING. */
export const isValid = (value: number): boolean =>
  !(has(value, SAVING) && has(value, RESUMING)) && !(has(value, RESUMING) && has(value, RUNNING));

/** NDMA is superfluous in combinations including !RUNNING (L224-226), so both spellings are one state. */
const canonical = (value: number): number => (has(value, RUNNING) ? value : value & ~NDMA);

const NAMES: ReadonlyMap<number, DeviceState> = new Map<number, DeviceState>([
  [RUNNING, 'Running'],
  [NDMA | RUNNING, 'RunningP2P'],
  [SAVING | RUNNING, 'PreCopy'],
  [NDMA | SAVING | RUNNING, 'PreCopyP2P'],
  [SAVING, 'StopCopy'],
  [0, 'Stop'],
  [RESUMING, 'Resuming'],
  // VFIO_DEVICE_STATE_ERROR (L237-243, L439): named although it is no valid value.
  [SAVING | RESUMING, 'Error'],
]);

/** Every state of the vocabulary that a v1 register can spell. */
export const STATES: readonly DeviceState[] = [...NAMES.values()];

/** The register's value for a state, NDMA clear where it is superfluous. */
export function bitsOf(state: DeviceState): number {
  for (const [value, name] of NAMES) if (name === state) return value;
  throw new RangeError(`no register value spells ${state}`);
}

/** Bit 0 and not bit 3: the device may start DMA into a peer (L168-173, L220-222). */
export const startsDma = (state: DeviceState): boolean =>
  has(bitsOf(state), RUNNING) && !has(bitsOf(state), NDMA);

/** Bit 0: the device answers; a peer's DMA into a !RUNNING device is lost (L174-176). */
export const answers = (state: DeviceState): boolean => has(bitsOf(state), RUNNING);

/**
 * The single arcs of a state, derived from the bits alone: one bit is flipped between valid values. Left out
 * are flips of RUNNING while NDMA is clear on a device that has NDMA (they pass by the quiescent state:
 * V1-26, V1-27, V1-30), and the way from stop-and-copy back into pre-copy (V2-09).
 */
export function v1Arcs(from: DeviceState, ndma: boolean): ReadonlySet<DeviceState> {
  const reached = new Set<DeviceState>();
  const spellings = NIBBLES.filter((value) => isValid(value) && canonical(value) === bitsOf(from));
  for (const value of spellings) {
    for (const bit of BITS) {
      const next = value ^ bit;
      const unusedBit = !ndma && (has(value, NDMA) || has(next, NDMA));
      const skipsQuiescence = ndma && bit === RUNNING && !has(value, NDMA);
      const backIntoPreCopy = from === 'StopCopy' && has(next, RUNNING);
      if (!isValid(next) || unusedBit || skipsQuiescence || backIntoPreCopy) continue;
      const name = NAMES.get(canonical(next));
      if (name !== undefined && name !== from) reached.add(name);
    }
  }
  return reached;
}
