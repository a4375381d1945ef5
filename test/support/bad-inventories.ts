import type { NodeDeviceInventory } from '@transship/crds';
import { rules } from '@transship/crds';
import type { BadManifest, RefusedBy } from './bad-manifests.ts';

/** One healthy v1 device on gpu-a; a fresh copy each time. */
export function goodInventory() {
  return {
    apiVersion: 'transship.dev/v1alpha1',
    kind: 'NodeDeviceInventory',
    metadata: { name: 'gpu-a' },
    status: {
      observedAt: '2026-01-02T03:04:05Z',
      agent: { endpoint: '[fd00::1]:7443', version: '0.1.0' },
      devices: [
        {
          id: 'gpu-a/0',
          protocol: 'v1',
          model: {
            vendorId: '0x10de',
            deviceId: '0x2330',
            subsystemVendorId: '0x10de',
            subsystemId: '0x16c1',
            revisionId: '0xa1',
          },
          driver: 'vfio-user',
          capabilities: { p2p: true, preCopy: true, reset: true },
          pciAddress: '0000:3b:00.0',
          pcieRoot: 'pci0000:3a',
          numaNode: 0,
          pod: { namespace: 'ml', name: 'trainer-0' },
          regionSize: 16_777_216,
          state: 'Running',
          health: 'Healthy',
        },
      ],
    },
  } satisfies NodeDeviceInventory;
}

type Status = Record<string, unknown>;

function status(change: Status): unknown {
  const good = goodInventory();
  return { ...good, status: { ...good.status, ...change } };
}

function device(change: Status): unknown {
  return status({ devices: [{ ...goodInventory().status.devices[0], ...change }] });
}

const twice = (): unknown => {
  const [first] = goodInventory().status.devices;
  return status({ devices: [first, first] });
};

const model = (change: Status): unknown =>
  device({ model: { ...goodInventory().status.devices[0]!.model, ...change } });

type Case = readonly [name: string, manifest: unknown, messagePart: string, refusedBy?: RefusedBy];

const cases: readonly Case[] = [
  ['a root that is no root complex', device({ pcieRoot: '0000:3a' }), 'status.devices[0].pcieRoot'],
  ['a NUMA node below none', device({ numaNode: -1 }), 'status.devices[0].numaNode'],
  ['a pod without a namespace', device({ pod: { name: 'trainer-0' } }), 'status.devices[0].pod.namespace'],
  ['a device of another node', device({ id: 'gpu-b/0' }), rules.inventoryOwnNode],
  ['a device of a node whose name only begins alike', device({ id: 'gpu-a2/0' }), rules.inventoryOwnNode],
  ['a device without a driver', device({ driver: undefined }), 'status.devices[0].driver'],
  ['a vendor that is not hexadecimal', model({ vendorId: '10de' }), 'status.devices[0].model.vendorId'],
  ['a vendor that is a number', model({ vendorId: 0x10de }), 'status.devices[0].model.vendorId'],
  ['a revision of four digits', model({ revisionId: '0x00a1' }), 'status.devices[0].model.revisionId'],
  ['an unknown protocol', device({ protocol: 'v3' }), 'status.devices[0].protocol'],
  ['an unknown health', device({ health: 'Fine' }), 'status.devices[0].health'],
  ['a negative region size', device({ regionSize: -1 }), 'status.devices[0].regionSize'],
  [
    'a reason without its code',
    device({ notMigratable: { message: 'why' } }),
    'status.devices[0].notMigratable.code',
  ],
  ['a workload that is a number', device({ workload: 7 }), 'status.devices[0].workload'],
  ['a capability left open', device({ capabilities: { p2p: true } }), 'status.devices[0].capabilities'],
  [
    'an endpoint without a port',
    status({ agent: { endpoint: 'gpu-a', version: '1' } }),
    'status.agent.endpoint',
  ],
  [
    'an endpoint that is a URL',
    status({ agent: { endpoint: 'https://gpu-a:7443', version: '1' } }),
    'status.agent.endpoint',
  ],
  ['a time that is a word', status({ observedAt: 'today' }), 'status.observedAt'],
  ['one device twice', twice(), 'status.devices[1]', 'api'],
];

/** Statuses that an agent may not write. Its own mistake, or another program's: the code is Internal. */
export const badInventories: readonly BadManifest[] = cases.map(
  ([name, manifest, messagePart, refusedBy = 'both']) => ({
    name,
    manifest,
    code: 'Internal',
    messagePart,
    refusedBy,
  }),
);
