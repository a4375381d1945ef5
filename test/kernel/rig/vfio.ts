import { randomUUID } from 'node:crypto';
import type { Guest } from './guest.ts';

/** Modules in the order of loading; a set is loaded whole, since structures differ between the sets. */
const MODULES = {
  group: ['irqbypass', 'vfio', 'vfio_iommu_type1', 'mdev', 'vfio-pci-core', 'vfio-pci'],
  cdev: ['irqbypass', 'iommufd', 'vfio', 'vfio_iommu_type1', 'mdev', 'vfio-pci-core', 'vfio-pci'],
} as const;

/** Drivers of mediated devices: the kernel's sample with migration, and the project's own. */
export const PARENTS = {
  mtty: { module: 'mtty', types: '/sys/class/mtty/mtty/mdev_supported_types' },
  own: {
    module: 'transship_mdev',
    types: '/sys/class/transship_mdev/transship_mdev/mdev_supported_types',
  },
} as const;

export type Parent = keyof typeof PARENTS;

/** Loads a module of the guest's set, with `name=value` parameters. */
export async function loadModule(
  guest: Guest,
  name: string,
  ...parameters: readonly string[]
): Promise<void> {
  const { modules } = guest.description;
  const { code, stderr } = await guest.exec(['busybox', 'insmod', `${modules}/${name}.ko`, ...parameters]);
  if (code !== 0) throw new Error(`${guest.name}: cannot load ${name}: ${stderr}`);
}

/** QEMU's IOMMU remaps no interrupts here, so a device could forge one; a test guest has nothing to protect. */
const UNSAFE: readonly string[] = ['vfio_iommu_type1', 'iommufd'];

export async function loadVfio(guest: Guest): Promise<void> {
  for (const name of MODULES[guest.description.set]) {
    await loadModule(guest, name, ...(UNSAFE.includes(name) ? ['allow_unsafe_interrupts=1'] : []));
  }
}

/** Makes a mediated device; returns its UUID. */
export async function createMdev(guest: Guest, parent: Parent, type: string): Promise<string> {
  const uuid = randomUUID();
  await guest.write(`${PARENTS[parent].types}/${type}/create`, uuid);
  return uuid;
}

/** Folder of a mediated device in /sys. */
export const mdevFolder = (uuid: string): string => `/sys/bus/mdev/devices/${uuid}`;

/** Takes a mediated device away; the kernel waits until nobody has it open. */
export async function removeMdev(guest: Guest, uuid: string): Promise<void> {
  await guest.write(`${mdevFolder(uuid)}/remove`, '1');
}

/** PCI vendor and device id of QEMU's edu device. */
const EDU = '0x1234 0x11e8';

/** PCI addresses of the edu devices: alone in its IOMMU group, and in one with a device of a kernel driver. */
export async function eduDevices(guest: Guest): Promise<{ readonly alone: string; readonly shared: string }> {
  const listed = await guest.shell(
    'cd /sys/bus/pci/devices; for d in *; do echo $d $(cat $d/vendor $d/device) $(ls $d/iommu_group/devices | wc -l); done',
  );
  const found = listed
    .split('\n')
    .filter((line) => line.includes(EDU))
    .map((line) => line.split(' '));
  const address = (isAlone: boolean): string => {
    const row = found.find((words) => (words.at(-1) === '1') === isAlone);
    if (row?.[0] === undefined) throw new Error(`${guest.name}: no such edu device in:\n${listed}`);
    return row[0];
  };
  return { alone: address(true), shared: address(false) };
}

/** Gives a PCI device to plain vfio-pci, which has no migration. */
export async function bindToVfioPci(guest: Guest, address: string): Promise<void> {
  await guest.write(`/sys/bus/pci/devices/${address}/driver_override`, 'vfio-pci');
  await guest.write('/sys/bus/pci/drivers_probe', address);
}
