import type { KernelInterface } from './addon.ts';
import { checkRange } from './arguments.ts';
import type { NativeDevice } from './device.ts';
import { invalidArgument } from './errors.ts';
import { openDevice } from './open.ts';

export interface KernelOptions {
  /** How long a device that somebody else holds is tried again, in milliseconds. @default 5000 */
  readonly timeoutMs?: number;
  /** Maps the data section of a v1 device where it offers that. @default true */
  readonly mmap?: boolean;
  /** 'auto' takes the character device where the machine has it and an iommufd. @default 'auto' */
  readonly interface?: KernelInterface;
}

const interfaces: readonly KernelInterface[] = ['auto', 'cdev', 'group'];

/**
 * Opens a device of this machine: by PCI address ('0000:3b:00.1'), mdev UUID or folder in /sys. It is held alone, and
 * the kernel resets most devices when they are first opened and last closed: only a broker keeps their state.
 * @throws {NativeError} TRANSSHIP_DEVICE_NOT_FOUND, TRANSSHIP_DEVICE_BUSY, TRANSSHIP_IOMMU_REFUSED,
 * TRANSSHIP_NOT_ALLOWED, TRANSSHIP_NOT_MIGRATABLE, TRANSSHIP_BAD_REGION_INFO.
 */
export async function openKernel(address: string, options: KernelOptions = {}): Promise<NativeDevice> {
  const { timeoutMs = 5000, mmap = true, interface: chosen = 'auto' } = options;
  const operation = 'openKernel';
  if (address === '' || address.includes('\0')) {
    throw invalidArgument(address, operation, 'an address is not empty and has no NUL');
  }
  if (!interfaces.includes(chosen)) {
    throw invalidArgument(
      address,
      operation,
      `interface is one of ${interfaces.join(', ')}, not ${String(chosen)}`,
    );
  }
  checkRange(address, operation, 'timeoutMs', timeoutMs, 1, 2 ** 31 - 1);
  return openDevice(address, operation, { door: 'kernel', address, interface: chosen, timeoutMs, mmap });
}
