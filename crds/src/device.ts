import { z } from 'zod';

/**
 * Migration states, one vocabulary for both protocols.
 * v1 device_state: RunningP2P = NDMA|RUNNING, PreCopy = SAVING|RUNNING, PreCopyP2P = NDMA|SAVING|RUNNING, StopCopy = SAVING.
 * v2: the mig_state of the same name in linux/vfio.h.
 */
export const DEVICE_STATES = [
  'Running',
  'RunningP2P',
  'PreCopy',
  'PreCopyP2P',
  'StopCopy',
  'Stop',
  'Resuming',
  'Error',
] as const;

export type DeviceState = (typeof DEVICE_STATES)[number];

/** v1: the migration region; v2: VFIO_DEVICE_FEATURE_MIGRATION. Probed by the agent, never configured. */
export const PROTOCOLS = ['v1', 'v2'] as const;

export type Protocol = (typeof PROTOCOLS)[number];

export const deviceState = z.enum(DEVICE_STATES);
export const protocol = z.enum(PROTOCOLS);

/** Most devices in one set. Two sets of this size keep the cost of every validation rule far below the API server's limit. */
export const MAX_DEVICES = 16;

/**
 * Node and pod names: RFC 1123 subdomain, loosely (empty labels pass and match no node).
 * Bounded repetition keeps matching linear on hostile input.
 */
export const objectName = z
  .string()
  .min(1)
  .max(253)
  .regex(/^[a-z0-9]([-.a-z0-9]{0,251}[a-z0-9])?$/);

/** Kubernetes gives UUIDs, and says nothing of what a UID looks like. */
export const uid = z
  .string()
  .min(1)
  .max(128)
  .regex(/^[A-Za-z0-9]([-A-Za-z0-9._]{0,126}[A-Za-z0-9])?$/);

/** `<nodeName>/<name>`; the name may be a PCI address (`0000:3b:00.0`), a mediated device's UUID or any short word. */
export const deviceId = z
  .string()
  .min(3)
  .max(317)
  .regex(/^[a-z0-9]([-.a-z0-9]{0,251}[a-z0-9])?\/[A-Za-z0-9]([-A-Za-z0-9._:]{0,61}[A-Za-z0-9])?$/);
