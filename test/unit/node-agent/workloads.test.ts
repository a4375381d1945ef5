import { describe, expect, test } from '@jest/globals';
import { parseDevicesFile } from '@transship/node-agent/internal/device/devices-file';
import { createWorkloads } from '@transship/node-agent/internal/workloads';
import type { HookedWorkload } from '@transship/node-agent/internal/workloads';
import { FakeFreezer } from './support/fake-freezer.ts';

const file = parseDevicesFile(
  `broker: /run/agent.sock
devices:
  - { id: a/0, broker: gpu-0 }
  - { id: a/1, broker: gpu-1 }
  - { id: a/2, broker: gpu-2 }
  - { id: a/3, vfioUser: /run/3.sock }
  - { id: a/4, vfioUser: /run/4.sock }
  - { id: a/5, vfioUser: /run/5.sock, group: 1 }
  - { id: a/6, broker: gpu-6 }
workload: { emulatorControl: /run/control.sock }
workloads:
  - { name: trainer, hook: /run/trainer.sock, devices: [a/0, a/1], uid: 1000 }
  - { name: other, hook: /run/other.sock, devices: [a/2] }
`,
  'a',
);

const freezers = new Map<string, FakeFreezer>();
const names: string[] = [];
const hooked: HookedWorkload[] = [];
const workloads = createWorkloads(file, (workload) => {
  const freezer = FakeFreezer.healthy();
  freezers.set(workload.socketPath, freezer);
  hooked.push(workload);
  const { nameOf, idOf } = workload.names;
  names.push(nameOf('a/0'), nameOf('a/3'), idOf('gpu-1'), idOf('a/3'), idOf('elsewhere'));
  return freezer;
});

describe('the workloads of a node', () => {
  test('with a hook are controlled through it, one hook a workload', () => {
    expect(workloads.of(['a/0', 'a/1'])).toBe(freezers.get('/run/trainer.sock'));
    expect(workloads.of(['a/1'])).toBe(freezers.get('/run/trainer.sock'));
    expect(workloads.of(['a/2'])).toBe(freezers.get('/run/other.sock'));
  });

  test('know their devices by the names that the broker has for them', () => {
    expect(names.slice(0, 5)).toEqual(['gpu-0', 'a/3', 'a/1', 'a/3', 'elsewhere']);
  });

  test('tell their user where the devices file says it, and what the broker has of them', () => {
    expect(hooked.map(({ uid, brokered }) => ({ uid, brokered }))).toEqual([
      { uid: 1000, brokered: ['gpu-0', 'gpu-1'] },
      { uid: null, brokered: ['gpu-2'] },
    ]);
  });

  test('that an emulator plays are controlled there', () => {
    expect(workloads.of(['a/3', 'a/4'])).not.toBeInstanceOf(FakeFreezer);
  });

  test.each([
    ['of two hooks', ['a/0', 'a/2']],
    ['of a hook and the emulator', ['a/0', 'a/3']],
    ['of two emulated workloads', ['a/4', 'a/5']],
    ['of no workload', ['a/6']],
    ['that the node does not have', ['a/9']],
  ])('are not those of devices %s', (_, ids) => {
    expect(() => workloads.of(ids)).toThrow(RangeError);
  });

  test('say which devices move together', () => {
    expect(workloads.workloadOf('a/1')).toEqual({ name: 'trainer', devices: ['a/0', 'a/1'] });
    expect(workloads.workloadOf('a/4')).toEqual({ name: 'group-0', devices: ['a/3', 'a/4'] });
    expect(workloads.workloadOf('a/5')).toEqual({ name: 'group-1', devices: ['a/5'] });
    expect(workloads.workloadOf('a/6')).toBeNull();
  });
});

test("an emulated workload is never taken for a new one by the incarnation of a device that is not its emulator's", async () => {
  const emulated = parseDevicesFile(
    `devices:
  - { id: a/0, vfioUser: /run/0.sock }
  - { id: a/1, vfioUser: /run/gpu.sock }
  - { id: a/2, vfioUser: /run/2.sock, group: 1 }
workload: { emulatorControl: /run/control.sock }
`,
    'a',
  );
  const workloads = createWorkloads(
    emulated,
    () => FakeFreezer.healthy(),
    () => Promise.resolve('boot/emulator'),
  );
  const before = 'boot/agent that ended/1/0';
  expect(await workloads.of(['a/1']).beganAfter([before])).toBe(false);
  expect(await workloads.of(['a/0', 'a/1']).beganAfter(['boot/emulator/0', before])).toBe(false);
  expect(await workloads.of(['a/2']).beganAfter(['boot/emulator before/0'])).toBe(true);
});
