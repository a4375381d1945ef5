import { describe, expect, test } from '@jest/globals';
import { parseDevicesFile } from '@transship/node-agent/internal/device/devices-file';

const workload = 'workload: { emulatorControl: /run/control.sock }';

describe('a devices file', () => {
  test('lists devices and their workload', () => {
    const text = `devices:\n  - { id: gpu-a/0, vfioUser: /run/0.sock }\n  - { id: "gpu-a/0000:3b:00.0", vfioUser: /run/1.sock, group: 1 }\n${workload}\n`;
    expect(parseDevicesFile(text, 'gpu-a')).toEqual({
      devices: [
        { id: 'gpu-a/0', vfioUser: '/run/0.sock', group: 0 },
        { id: 'gpu-a/0000:3b:00.0', vfioUser: '/run/1.sock', group: 1 },
      ],
      workload: { emulatorControl: '/run/control.sock' },
    });
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
  ])('with %s is refused and the message says where', (_name, text, place) => {
    expect(() => parseDevicesFile(text, 'gpu-a')).toThrow(
      expect.objectContaining({ name: 'DevicesFileError' }),
    );
    expect(() => parseDevicesFile(text, 'gpu-a')).toThrow(place);
  });
});
