import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import type { DeviceTopology } from '@transship/node-agent/contract';
import type { DeviceEntry } from '@transship/node-agent/internal/device/devices-file';
import { lookAround } from '@transship/node-agent/internal/inventory/surroundings';
import type { PodSource } from '@transship/node-agent/internal/inventory/surroundings';
import { readTopology } from '@transship/node-agent/internal/inventory/topology';
import { readList } from '@transship/node-agent/internal/pods/listed';

const entries: readonly DeviceEntry[] = [
  { id: 'gpu-a/0', broker: 'one', pciAddress: '0000:3b:00.0' },
  { id: 'gpu-a/1', broker: 'two', pciAddress: '0000:3c:00.0' },
  { id: 'gpu-a/2', vfioUser: '/run/2.sock', group: 0, pciAddress: '0000:3d:00.0' },
  { id: 'gpu-a/3', vfioUser: '/run/3.sock', group: 0 },
];

/** A kubelet that has given these to the pod ml/trainer-0. */
const kubelet = (...deviceIds: readonly string[]): PodSource => ({
  managed: new Set(['example.com/gpu']),
  look: () =>
    Promise.resolve({
      known: true,
      listed: readList({
        podResources: [
          {
            namespace: 'ml',
            name: 'trainer-0',
            containers: [{ devices: [{ resourceName: 'example.com/gpu', deviceIds }], dynamicResources: [] }],
          },
        ],
      }),
    }),
});

const at = { pcieRoot: 'pci0000:3a', numaNode: 1 };
const present =
  (...addresses: readonly string[]) =>
  (address: string): Promise<DeviceTopology | null> =>
    Promise.resolve(addresses.includes(address) ? at : null);

const trainer = { namespace: 'ml', name: 'trainer-0' };

describe('what the node says of its devices', () => {
  test('are their addresses, where they are plugged in, and the pods that have them', async () => {
    const pods = kubelet('0000:3b:00.0', '3');
    const { places, podResources } = await lookAround(entries, pods, present('0000:3b:00.0', '0000:3c:00.0'));
    expect(Object.fromEntries(places)).toEqual({
      'gpu-a/0': { pciAddress: '0000:3b:00.0', topology: at, pod: trainer },
      'gpu-a/1': { pciAddress: '0000:3c:00.0', topology: at, pod: null },
      'gpu-a/2': { pciAddress: '0000:3d:00.0', topology: null, pod: null },
      'gpu-a/3': { pciAddress: '', topology: null, pod: trainer },
    });
    expect(podResources).toEqual({ known: true, message: '', unknownDevices: [] });
  });

  test('is nothing of pods where nobody was told to ask the kubelet', async () => {
    const { places, podResources } = await lookAround(entries, null, present());
    expect(podResources).toBeNull();
    expect(places.get('gpu-a/0')?.pod).toBeNull();
  });

  test('is not that a pod has a device of the kernel that is not there', async () => {
    const { places, podResources } = await lookAround(entries, kubelet('0000:3b:00.0'), present());
    expect(places.get('gpu-a/0')?.pod).toBeNull();
    expect(podResources?.unknownDevices).toMatchObject([{ pod: trainer, device: '0000:3b:00.0' }]);
    // What a vfio-user server offers is in no sysfs.
    const served = await lookAround(entries, kubelet('0000:3d:00.0'), present());
    expect(served.places.get('gpu-a/2')?.pod).toEqual(trainer);
  });

  test('is that nobody knows which pods have them while the kubelet is silent', async () => {
    const silent: PodSource = {
      managed: new Set(),
      look: () => Promise.resolve({ known: false, message: 'no socket' }),
    };
    const { places, podResources } = await lookAround(entries, silent, present());
    expect(podResources).toEqual({ known: false, message: 'no socket', unknownDevices: [] });
    expect(places.get('gpu-a/3')?.pod).toBeNull();
  });

  test('is nothing of pods when not all of it could be told', async () => {
    const ids = Array.from({ length: 1_001 }, (_, index) => `other-${index}`);
    const { places, podResources } = await lookAround(entries, kubelet('3', ...ids), present());
    expect(podResources).toMatchObject({ known: false, message: expect.stringContaining('1000') });
    expect(places.get('gpu-a/3')?.pod).toBeNull();
  });
});

describe('the topology of a device', () => {
  async function inSysfs(numaNode: string | null): Promise<DeviceTopology | null> {
    const sysfs = await mkdtemp(join(tmpdir(), 'ts-sysfs-'));
    try {
      const device = join(sysfs, 'devices/pci0000:3a/0000:3a:00.0/0000:3b:00.1');
      await mkdir(device, { recursive: true });
      await mkdir(join(sysfs, 'bus/pci/devices'), { recursive: true });
      await symlink(device, join(sysfs, 'bus/pci/devices/0000:3b:00.1'));
      if (numaNode !== null) await writeFile(join(device, 'numa_node'), `${numaNode}\n`);
      expect(await readTopology('0000:3b:00.2', sysfs)).toBeNull();
      return await readTopology('0000:3b:00.1', sysfs);
    } finally {
      await rm(sysfs, { recursive: true });
    }
  }

  test('is that of sysfs', async () => {
    expect(await inSysfs('1')).toEqual({ pcieRoot: 'pci0000:3a', numaNode: 1 });
  });

  test.each(['-1', 'x', null])('names no NUMA node where the kernel has %p', async (text) => {
    expect(await inSysfs(text)).toEqual({ pcieRoot: 'pci0000:3a', numaNode: -1 });
  });
});
