import { readFile, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import type { DeviceTopology } from '../contract/description.ts';

/**
 * Where a PCI device is plugged in, as the kernel says now; null: there is nothing at that address.
 * The root is written as DRA drivers write the attribute resource.kubernetes.io/pcieRoot.
 */
export async function readTopology(address: string, sysfs = '/sys'): Promise<DeviceTopology | null> {
  const device = join(sysfs, 'bus/pci/devices', address);
  try {
    const path = await realpath(device);
    const [, pcieRoot = ''] = /\/(pci[0-9a-f]{4,8}:[0-9a-f]{2})\//.exec(path) ?? [];
    return { pcieRoot, numaNode: await readNumaNode(device) };
  } catch {
    return null;
  }
}

async function readNumaNode(device: string): Promise<number> {
  const text = await readFile(join(device, 'numa_node'), 'utf8').catch(() => '');
  const node = Number.parseInt(text, 10);
  return Number.isInteger(node) && node >= 0 ? node : -1;
}
