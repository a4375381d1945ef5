import { existsSync } from 'node:fs';

/**
 * How QEMU runs a guest. /dev/kvm alone says nothing: where a hypervisor emulates it without processor support, KVM
 * starts and then hangs, so the module of a processor has to be there.
 */
export function accelerator(exists: (path: string) => boolean = existsSync): 'kvm' | 'tcg' {
  const hasModule = exists('/sys/module/kvm_intel') || exists('/sys/module/kvm_amd');
  return hasModule && exists('/dev/kvm') ? 'kvm' : 'tcg';
}
