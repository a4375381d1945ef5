/** The matrix as data: ways to a device, devices with their protocol, and what each has to show there. */
import type { Parent } from '../rig/vfio.ts';
import type { OwnOptions } from '../rig/own-device.ts';

export const DOORS = ['group', 'cdev', 'broker'] as const;

/** How a device is reached. The broker holds it by its character device. */
export type DoorName = (typeof DOORS)[number];

export interface DeviceRow {
  readonly name: string;
  readonly protocol: 'v1' | 'v2';
  readonly parent: Parent;
  readonly type: string;
  readonly options: OwnOptions;
}

/** Some dozen records in the stream; what TCG can move in no time. */
const SMALL: OwnOptions = { state_kib: 128, segment_kib: 16, link_us: 5000 };

export const DEVICES: readonly DeviceRow[] = [
  { name: 'v2 mtty', protocol: 'v2', parent: 'mtty', type: 'mtty-2', options: {} },
  {
    name: 'v2 own',
    protocol: 'v2',
    parent: 'own',
    type: 'transship_mdev-1',
    options: { ...SMALL, protocol: 2 },
  },
  {
    name: 'v1+NDMA own',
    protocol: 'v1',
    parent: 'own',
    type: 'transship_mdev-1',
    options: { ...SMALL, protocol: 1 },
  },
];

/** @throws RangeError when there is none of this name. */
export function deviceRow(name: string): DeviceRow {
  const row = DEVICES.find((candidate) => candidate.name === name);
  if (row === undefined) throw new RangeError(`no device is called ${name}`);
  return row;
}

export const CASES = [
  'save',
  'pre-copy',
  'P2P barrier',
  'resume',
  'refused arc',
  'ERROR + reset',
  'short stream',
  'agent killed',
] as const;

export type CaseName = (typeof CASES)[number];

/** Cells that a device cannot show, with the reason. */
export const NOT_SHOWN: readonly {
  readonly device: string;
  readonly case: CaseName;
  readonly reason: string;
}[] = [{ device: 'v2 mtty', case: 'ERROR + reset', reason: 'mtty never enters ERROR' }];

export const reasonNotShown = (device: string, caseName: CaseName): string | null =>
  NOT_SHOWN.find((row) => row.device === device && row.case === caseName)?.reason ?? null;
