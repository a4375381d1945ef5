import { describe, expect, test } from '@jest/globals';
import { vmmAmong } from '@transship/node-agent/internal/device/vmm';

const holder = (comm: string) => ({ pid: 1, comm, role: 'workload' });

describe('a virtual machine monitor among the holders of a device', () => {
  // Names as the kernel cuts them, at 15 characters.
  test.each(['qemu-system-x86', 'qemu-system-aar', 'qemu-kvm', 'cloud-hyperviso', 'crosvm', 'firecracker'])(
    'is found by its name %s',
    (comm) => {
      expect(vmmAmong([holder('transship-agent'), holder(comm)])).toBe(comm);
    },
  );

  test.each(['transship-agent', 'trainer', 'my-qemu-kvm', 'qemu-img', 'crosvm2', ''])(
    'is not taken for one by the name %p',
    (comm) => {
      expect(vmmAmong([holder(comm)])).toBeNull();
    },
  );
});
