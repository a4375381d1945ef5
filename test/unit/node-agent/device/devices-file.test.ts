import { describe, expect, test } from '@jest/globals';
import { parseDevicesFile } from '@transship/node-agent/internal/device/devices-file';

const workload = 'workload: { emulatorControl: /run/control.sock }';
const brokered = `broker: /run/agent.sock
devices:
  - { id: gpu-a/1, broker: gpu-a/1 }
  - { id: gpu-a/2, broker: second }
workloads:
  - { name: trainer, hook: /run/hooks/trainer.sock, devices: [gpu-a/1, gpu-a/2] }
`;

describe('a devices file', () => {
  test('lists devices and their workload', () => {
    const text = `devices:\n  - { id: gpu-a/0, vfioUser: /run/0.sock }\n  - { id: "gpu-a/0000:3b:00.0", vfioUser: /run/1.sock, group: 1 }\n${workload}\n`;
    expect(parseDevicesFile(text, 'gpu-a')).toEqual({
      devices: [
        { id: 'gpu-a/0', vfioUser: '/run/0.sock', group: 0 },
        { id: 'gpu-a/0000:3b:00.0', vfioUser: '/run/1.sock', group: 1 },
      ],
      workload: { emulatorControl: '/run/control.sock' },
      workloads: [],
    });
  });

  test('lists devices that the broker keeps, and workloads with hooks', () => {
    expect(parseDevicesFile(brokered, 'gpu-a')).toEqual({
      broker: '/run/agent.sock',
      devices: [
        { id: 'gpu-a/1', broker: 'gpu-a/1' },
        { id: 'gpu-a/2', broker: 'second' },
      ],
      workloads: [{ name: 'trainer', hook: '/run/hooks/trainer.sock', devices: ['gpu-a/1', 'gpu-a/2'] }],
    });
  });

  test('may tell by which PCI address others know a device', () => {
    const file = (more: string) => `broker: /run/agent.sock
devices: [{ id: gpu-a/0, broker: one, pciAddress: '0000:3b:00.1' }, { id: gpu-a/1, broker: two${more} }]`;
    expect(parseDevicesFile(file(''), 'gpu-a').devices).toEqual([
      { id: 'gpu-a/0', broker: 'one', pciAddress: '0000:3b:00.1' },
      { id: 'gpu-a/1', broker: 'two' },
    ]);
    expect(() => parseDevicesFile(file(", pciAddress: '3B:00.1'"), 'gpu-a')).toThrow('pciAddress');
    expect(() => parseDevicesFile(file(", pciAddress: '0000:3b:00.1'"), 'gpu-a')).toThrow('0000:3b:00.1');
  });

  test('may tell what the kubelet calls a device', () => {
    const file = (one: string, two: string) => `broker: /run/agent.sock
devices: [{ id: gpu-a/0, broker: one, allocationIds: ${one} }, { id: gpu-a/1, broker: two, allocationIds: ${two} }]`;
    expect(parseDevicesFile(file('[GPU-1f, pool/gpu-0]', '[GPU-2f]'), 'gpu-a').devices[0]).toEqual({
      id: 'gpu-a/0',
      broker: 'one',
      allocationIds: ['GPU-1f', 'pool/gpu-0'],
    });
    expect(() => parseDevicesFile(file('[GPU-1f]', '[GPU-1f]'), 'gpu-a')).toThrow(
      'allocationIds entry GPU-1f',
    );
    expect(() => parseDevicesFile(file('[GPU-1f]', '[]'), 'gpu-a')).toThrow('allocationIds');
  });

  test('needs no emulator for a vfio-user device whose workload has a hook', () => {
    const text = `devices: [{ id: gpu-a/0, vfioUser: /run/0.sock }]
workloads: [{ name: a, hook: /run/a.sock, devices: [gpu-a/0] }]`;
    expect(parseDevicesFile(text, 'gpu-a').workloads).toHaveLength(1);
  });

  test.each([
    ['no YAML', 'devices: [', 'YAML'],
    ['nothing', '', 'expected object'],
    ['no devices', `devices: []\n${workload}`, 'devices'],
    ['no workload', 'devices: [{ id: gpu-a/0, vfioUser: /run/0.sock }]', 'workload'],
    [
      'an unknown field',
      `devices: [{ id: gpu-a/0, vfioUser: /run/0.sock, vfioUsr: x }]\n${workload}`,
      'vfioUsr',
    ],
    ['a relative path', `devices: [{ id: gpu-a/0, vfioUser: 0.sock }]\n${workload}`, 'vfioUser'],
    ['a device of another node', `devices: [{ id: gpu-b/0, vfioUser: /run/0.sock }]\n${workload}`, 'gpu-b/0'],
    [
      'a device twice',
      `devices: [{ id: gpu-a/0, vfioUser: /run/0.sock }, { id: gpu-a/0, vfioUser: /run/1.sock }]\n${workload}`,
      'gpu-a/0',
    ],
    [
      'a socket twice',
      `devices: [{ id: gpu-a/0, vfioUser: /run/0.sock }, { id: gpu-a/1, vfioUser: /run/0.sock }]\n${workload}`,
      '/run/0.sock',
    ],
    ['aliases that blow up', `a: &a [1,1]\ndevices: [*a, *a]\n${workload}`, 'YAML'],
    [
      'a device with two doors',
      `broker: /b\ndevices: [{ id: gpu-a/0, vfioUser: /run/0.sock, broker: x }]\n${workload}`,
      'either vfioUser',
    ],
    ['a device without a door', `devices: [{ id: gpu-a/0 }]\n${workload}`, 'devices[0]'],
    [
      'a group of a brokered device',
      'broker: /b\ndevices: [{ id: gpu-a/0, broker: x, group: 1 }]',
      'devices[0]',
    ],
    ['a brokered device and no broker', 'devices: [{ id: gpu-a/0, broker: x }]', 'broker: /path'],
    ['a name at the broker twice', brokered.replace('second', 'gpu-a/1'), 'two devices have the broker'],
    ['a workload of unknown devices', brokered.replace('gpu-a/2]', 'gpu-a/9]'), 'workloads[0].devices'],
    ['a device of two workloads', `${brokered}  - { name: b, hook: /h, devices: [gpu-a/1] }`, 'gpu-a/1'],
    ['a hook of two workloads', twice('b', '/run/hooks/trainer.sock'), '/run/hooks/trainer.sock'],
    ['two workloads of one name', twice('trainer', '/h'), 'trainer'],
    ['a workload without devices', brokered.replace('[gpu-a/1, gpu-a/2]', '[]'), 'workloads[0].devices'],
  ])('with %s is refused and the message says where', (_name, text, place) => {
    expect(() => parseDevicesFile(text, 'gpu-a')).toThrow(
      expect.objectContaining({ name: 'DevicesFileError' }),
    );
    expect(() => parseDevicesFile(text, 'gpu-a')).toThrow(place);
  });
});

/** The devices of the brokered file shared out between two workloads. */
function twice(name: string, hook: string): string {
  const first = brokered.replace('[gpu-a/1, gpu-a/2]', '[gpu-a/1]');
  return `${first}  - { name: ${name}, hook: ${hook}, devices: [gpu-a/2] }`;
}
