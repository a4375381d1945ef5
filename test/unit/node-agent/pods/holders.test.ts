import { describe, expect, test } from '@jest/globals';
import { holdersOf } from '@transship/node-agent/internal/pods/holders';
import type { KnownDevice } from '@transship/node-agent/internal/pods/holders';
import { readList } from '@transship/node-agent/internal/pods/listed';

const MANAGED = new Set(['example.com/gpu', 'gpu.example.com']);

const device = (name: string, more: Partial<KnownDevice> = {}): KnownDevice => ({
  id: `gpu-a/${name}`,
  pciAddress: '',
  allocationIds: [],
  isAbsent: false,
  ...more,
});

type Given = { readonly plugin?: [string, ...string[]]; readonly claim?: [string, string, string] };

/** What the kubelet would say: by pod, what its one container was given. */
const listed = (pods: Readonly<Record<string, Given>>) =>
  readList({
    podResources: Object.entries(pods).map(([name, { plugin, claim }]) => ({
      namespace: 'ml',
      name,
      containers: [
        {
          devices: plugin === undefined ? [] : [{ resourceName: plugin[0], deviceIds: plugin.slice(1) }],
          dynamicResources:
            claim === undefined
              ? []
              : [{ claimResources: [{ driverName: claim[0], poolName: claim[1], deviceName: claim[2] }] }],
        },
      ],
    })),
  });

const pods = (holders: ReturnType<typeof holdersOf>) =>
  Object.fromEntries([...holders.pods].map(([id, { name }]) => [id, name]));

describe('a device is found', () => {
  test.each<[string, KnownDevice, Given]>([
    [
      'by its PCI address, of any resource',
      device('0', { pciAddress: '0000:3b:00.0' }),
      { plugin: ['other.com/nic', '0000:3B:00.0'] },
    ],
    [
      'by an address without a domain',
      device('0', { pciAddress: '0000:3b:00.0' }),
      { plugin: ['other.com/nic', '3b:00.0'] },
    ],
    ['by the name in its id', device('0'), { plugin: ['example.com/gpu', '0'] }],
    ['by an address in its id', device('0000:3b:00.0'), { plugin: ['example.com/gpu', '0000:3b:00.0'] }],
    [
      'by what the devices file says of it',
      device('0', { allocationIds: ['GPU-1f'] }),
      { plugin: ['example.com/gpu', 'GPU-1f'] },
    ],
    [
      'by the address that a DRA driver made a name of',
      device('0', { pciAddress: '0000:3b:00.1' }),
      { claim: ['nic.example.com', 'gpu-a', 'pci-0000-3b-00-1'] },
    ],
    [
      'by the pool and name of a DRA driver',
      device('0', { allocationIds: ['gpu-a/gpu-7'] }),
      { claim: ['gpu.example.com', 'gpu-a', 'gpu-7'] },
    ],
    [
      'by all that a DRA driver calls it',
      device('0', { allocationIds: ['gpu.example.com/gpu-a/gpu-7'] }),
      { claim: ['gpu.example.com', 'gpu-a', 'gpu-7'] },
    ],
    ['by its name at a DRA driver', device('gpu-7'), { claim: ['gpu.example.com', 'gpu-a', 'gpu-7'] }],
  ])('%s', (_, known, given) => {
    const holders = holdersOf([device('9'), known], listed({ trainer: given }), MANAGED);
    expect({ pods: pods(holders), unknown: holders.unknown }).toEqual({
      pods: { [known.id]: 'trainer' },
      unknown: [],
    });
  });

  test('not by the name that another resource gives to something else', () => {
    const known = device('0', { allocationIds: ['card'] });
    const others: Given = { plugin: ['other.com/nic', '0', 'card'], claim: ['nic.other.com', 'gpu-a', '0'] };
    expect(holdersOf([known], listed({ trainer: others }), MANAGED)).toEqual({
      pods: new Map(),
      unknown: [],
    });
  });

  test('not by its name where the address that is told is another', () => {
    const known = device('0000:3b:00.0', { pciAddress: '0000:3c:00.0' });
    const holders = holdersOf(
      [known],
      listed({ a: { plugin: ['example.com/gpu', '0000:3b:00.0'] } }),
      MANAGED,
    );
    expect(pods(holders)).toEqual({});
    expect(holders.unknown).toHaveLength(1);
  });
});

describe('a pod cannot be moved', () => {
  const unknown = (known: readonly KnownDevice[], given: Readonly<Record<string, Given>>) =>
    holdersOf(known, listed(given), MANAGED).unknown;

  test('with a device that the devices file does not list', () => {
    const plugin: Given['plugin'] = ['example.com/gpu', '0', '1'];
    expect(unknown([device('0')], { trainer: { plugin } })).toEqual([
      {
        pod: { namespace: 'ml', name: 'trainer' },
        resource: 'example.com/gpu',
        device: '1',
        reason: expect.stringContaining('does not list it'),
      },
    ]);
    expect(unknown([], { trainer: { claim: ['gpu.example.com', 'gpu-a', 'gpu-7'] } })).toMatchObject([
      { resource: 'gpu.example.com', device: 'gpu-a/gpu-7' },
    ]);
  });

  test('with a device that sysfs does not have', () => {
    const gone = device('0', { pciAddress: '0000:3b:00.0', isAbsent: true });
    expect(unknown([gone], { trainer: { plugin: ['example.com/gpu', '0000:3b:00.0'] } })).toMatchObject([
      { reason: expect.stringContaining('nothing at 0000:3b:00.0') },
    ]);
  });

  test('with a device that another pod has as well', () => {
    const plugin: Given['plugin'] = ['example.com/gpu', '0'];
    const holders = holdersOf([device('0'), device('1')], listed({ a: { plugin }, b: { plugin } }), MANAGED);
    expect(holders.pods.size).toBe(0);
    expect(holders.unknown).toMatchObject([
      { pod: { name: 'a' }, reason: 'gpu-a/0 is given to ml/a, ml/b' },
      { pod: { name: 'b' } },
    ]);
  });

  test('with a device that may be any of two', () => {
    const known = [device('0'), device('1', { allocationIds: ['0'] })];
    expect(unknown(known, { trainer: { plugin: ['example.com/gpu', '0'] } })).toMatchObject([
      { reason: 'it may be any of gpu-a/0, gpu-a/1' },
    ]);
  });
});
