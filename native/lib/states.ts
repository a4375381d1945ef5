/**
 * The migration states of a device, one vocabulary for all protocols (docs of each v1 value:
 * native/src/migration/device_state.hh).
 */
export const deviceStates = [
  'Running',
  'RunningP2P',
  'PreCopy',
  'PreCopyP2P',
  'StopCopy',
  'Stop',
  'Resuming',
  'Error',
] as const;

export type DeviceState = (typeof deviceStates)[number];
