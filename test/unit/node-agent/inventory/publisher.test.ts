import { nodeDeviceInventory } from '@transship/crds';
import { describe, expect, test } from '@jest/globals';
import type { NodeDescription } from '@transship/node-agent/contract';
import { publishInventory } from '@transship/node-agent/internal/inventory/publisher';
import { inventoryStatus } from '@transship/node-agent/internal/inventory/status';
import { ManualClock } from '../support/manual-clock.ts';
import { recordingLog } from '../support/recording-log.ts';

const device: NodeDescription['devices'][number] = {
  id: 'gpu-a/0',
  protocol: 'v1',
  vendorId: 0x10de,
  deviceId: 0x2330,
  subsystemVendorId: 0x10de,
  subsystemId: 0x16c1,
  revisionId: 0xa1,
  driver: 'vfio-user',
  firmware: '',
  p2p: true,
  preCopy: true,
  resetSupported: true,
  regionSize: 8192,
  dataWindowSize: 4096,
  state: 'Running',
  health: 'Healthy',
  reason: '',
  migrationUid: '',
  notMigratable: '',
  code: '',
  workload: '',
  interface: 'vfio-user',
  dmaLogging: false,
  migrationFlags: 0,
};
const node: NodeDescription = {
  nodeName: 'gpu-a',
  agentVersion: '0.1.0',
  contractVersion: 2,
  transferEndpoint: '10.0.0.1:7443',
  devices: [device],
};

/** A publisher at work, and what it has applied. */
function publishing(describeNode: () => NodeDescription, failures = 0) {
  const clock = new ManualClock();
  const log = recordingLog();
  const stop = new AbortController();
  const applied: { subresource: string | null; body: object }[] = [];
  let left = failures;
  const apply = (_name: string, body: object, subresource: 'status' | null): Promise<void> => {
    left -= 1;
    if (left >= 0) return Promise.reject(new Error('the API server is away'));
    applied.push({ subresource, body });
    return Promise.resolve();
  };
  const done = publishInventory(() => Promise.resolve(describeNode()), apply, clock, log, stop.signal);
  const end = async (): Promise<void> => {
    stop.abort();
    await done;
  };
  return { clock, log, applied, end };
}

describe('the inventory of a node', () => {
  test('is a NodeDeviceInventory as the API knows it', () => {
    const status = inventoryStatus(node, new Date('2030-01-02T03:04:05.678Z'), []);
    const object = {
      apiVersion: 'transship.dev/v1alpha1',
      kind: 'NodeDeviceInventory',
      metadata: { name: 'gpu-a' },
      status,
    };
    expect(nodeDeviceInventory.safeParse(object).error).toBeUndefined();
    expect(status).toMatchObject({
      observedAt: '2030-01-02T03:04:05Z',
      devices: [
        { model: { vendorId: '0x10de', revisionId: '0xa1' }, capabilities: { p2p: true, reset: true } },
      ],
    });
  });

  test('says of a device that was never reached only what is known', () => {
    const unreached = {
      ...device,
      id: 'gpu-a/1',
      protocol: '',
      state: 'Unknown',
      health: 'Unreachable',
      reason: 'nobody listens',
    } as const;
    const status = inventoryStatus({ ...node, devices: [device, unreached] }, new Date(), []);
    expect(status.devices?.[1]).toEqual({
      id: 'gpu-a/1',
      driver: 'vfio-user',
      interface: 'vfio-user',
      health: 'Unreachable',
      reason: 'nobody listens',
    });
  });

  test('lists a device that cannot be migrated, with the reason, and does not call it silent', () => {
    const plain = {
      ...device,
      protocol: '',
      driver: 'vfio-pci',
      interface: 'cdev',
      state: 'Unknown',
      notMigratable: 'it has no migration protocol',
      code: 'DeviceNotMigratable',
    } as const;
    const status = inventoryStatus({ ...node, devices: [plain] }, new Date(), []);
    expect(status.devices).toEqual([
      {
        id: 'gpu-a/0',
        driver: 'vfio-pci',
        interface: 'cdev',
        health: 'Healthy',
        notMigratable: { code: 'DeviceNotMigratable', message: 'it has no migration protocol' },
      },
    ]);
    expect(status.conditions[0]?.reason).toBe('DevicesAnswer');
  });

  test('tells protocol, flags, abilities and the workload of a device', () => {
    const pciAddress = '0000:3b:00.1';
    const facts = { protocol: 'v2', migrationFlags: 7, dmaLogging: true, workload: 'trainer' };
    const v2 = { ...device, ...facts, pciAddress };
    const status = inventoryStatus({ ...node, devices: [v2] }, new Date(), []);
    expect(status.devices?.[0]).toMatchObject({
      protocol: 'v2',
      migrationFlags: 7,
      capabilities: { p2p: true, preCopy: true, reset: true, dmaLogging: true },
      workload: 'trainer',
      pciAddress,
    });
  });

  test('tells where a device is plugged in, and the pod that has it', () => {
    const placed = {
      ...device,
      topology: { pcieRoot: 'pci0000:3a', numaNode: 0 },
      pod: { namespace: 'ml', name: 'trainer-0' },
    };
    const nowhere = { ...device, id: 'gpu-a/1', topology: { pcieRoot: '', numaNode: -1 }, pod: null };
    const status = inventoryStatus({ ...node, devices: [placed, nowhere] }, new Date(), []);
    expect(status.devices?.[0]).toMatchObject({
      pcieRoot: 'pci0000:3a',
      numaNode: 0,
      pod: { namespace: 'ml', name: 'trainer-0' },
    });
    for (const field of ['pcieRoot', 'numaNode', 'pod'])
      expect(status.devices?.[1]).not.toHaveProperty(field);
  });

  test('says whether the kubelet tells of pods, where it is asked', () => {
    const of = (podResources: NodeDescription['podResources']) =>
      inventoryStatus({ ...node, podResources: podResources ?? null }, new Date(), []).conditions[2];
    expect(of(null)).toBeUndefined();
    expect(of({ known: true, message: '', unknownDevices: [] })).toMatchObject({
      type: 'PodResources',
      status: 'True',
      reason: 'PodsKnown',
    });
    expect(of({ known: false, message: 'no socket', unknownDevices: [] })).toMatchObject({
      status: 'False',
      reason: 'KubeletSilent',
      message: 'no socket',
    });
    const pod = { namespace: 'ml', name: 'trainer-0' };
    const unknown = { pod, resource: 'example.com/gpu', device: '1', reason: 'not listed' };
    expect(of({ known: true, message: '', unknownDevices: [unknown] })).toMatchObject({
      status: 'False',
      reason: 'UnknownDevices',
      message: 'Pods that cannot be moved: ml/trainer-0 has 1 of example.com/gpu (not listed).',
    });
  });

  test('is ready while every device answers, and says since when', () => {
    const silent = { ...device, health: 'Unreachable' } as const;
    const at = (second: number) => new Date(Date.UTC(2030, 0, 1, 0, 0, second));
    const first = inventoryStatus(node, at(1), []).conditions;
    const later = inventoryStatus(node, at(2), first).conditions;
    const [gone, well] = inventoryStatus({ ...node, devices: [silent] }, at(3), later).conditions;
    expect(first[0]).toMatchObject({ type: 'Ready', status: 'True', reason: 'DevicesAnswer' });
    expect(later).toEqual(first);
    expect(well).toEqual(first[1]);
    expect(gone).toMatchObject({
      status: 'False',
      reason: 'DevicesSilent',
      message: 'No answer from gpu-a/0.',
      lastTransitionTime: '2030-01-01T00:00:03Z',
    });
  });

  test('says which device is in quarantine, since when, why, and what to do', () => {
    const since = '2030-01-01T00:00:00.000Z';
    const withheld = {
      ...device,
      health: 'Quarantined',
      reason: 'refused the reset (EIO)',
      code: 'ResetFailed',
      quarantine: {
        code: 'ResetFailed',
        message: 'refused the reset (EIO)',
        since,
        migrationUid: 'uid-1',
        remedy: 'Reset it.',
      },
    } as const;
    const healthy = inventoryStatus(node, new Date(0), []);
    expect(healthy.conditions[1]).toMatchObject({ type: 'DevicesHealthy', status: 'True' });
    const status = inventoryStatus({ ...node, devices: [withheld] }, new Date(1000), healthy.conditions);
    expect(status.devices?.[0]).toMatchObject({
      health: 'Quarantined',
      reason: 'refused the reset (EIO)',
      quarantine: { code: 'ResetFailed', since, remedy: 'Reset it.', migration: 'uid-1' },
    });
    expect(status.conditions).toMatchObject([
      { type: 'Ready', status: 'True' },
      {
        type: 'DevicesHealthy',
        status: 'False',
        reason: 'Quarantined',
        message: 'In quarantine: gpu-a/0 (ResetFailed: refused the reset (EIO)).',
        lastTransitionTime: '1970-01-01T00:00:01Z',
      },
    ]);
    const [older] = inventoryStatus({ ...node, devices: [{ ...withheld, quarantine: null }] }, new Date(), [])
      .devices ?? [{}];
    expect(older).toMatchObject({ health: 'Quarantined' });
    expect(older).not.toHaveProperty('quarantine');
  });

  test('is applied with its status, when it changes, and once a minute', async () => {
    let current = node;
    const { clock, applied, end } = publishing(() => current);
    await clock.advance(1_000);
    expect(applied.map(({ subresource }) => subresource)).toEqual([null, 'status']);
    await clock.advance(30_000);
    expect(applied).toHaveLength(2);
    current = { ...node, devices: [{ ...device, state: 'Stop', migrationUid: 'uid-1' }] };
    await clock.advance(6_000);
    expect(applied).toHaveLength(4);
    expect(applied.at(-1)?.body).toMatchObject({
      status: { devices: [{ state: 'Stop', migration: 'uid-1' }] },
    });
    await clock.advance(66_000);
    expect(applied).toHaveLength(6);
    await end();
  });

  test('is tried again, ever more slowly, while the API server is away', async () => {
    const { clock, log, applied, end } = publishing(() => node, 3);
    await clock.advance(4 * 60_000);
    expect(applied.length).toBeGreaterThanOrEqual(2);
    expect(log.lines.filter(({ level }) => level === 'warn')).toHaveLength(3);
    await end();
  });
});
