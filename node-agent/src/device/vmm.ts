import type { Holder } from './broker.ts';

/** The kernel keeps this much of a process's name (TASK_COMM_LEN without its end, linux/sched.h). */
const COMM_LENGTH = 15;

/** Monitors that open VFIO devices: whole names, and names of which one binary for each machine type is made. */
const NAMES = ['qemu-kvm', 'cloud-hypervisor', 'crosvm', 'firecracker'].map((name) =>
  name.slice(0, COMM_LENGTH),
);
const PREFIXES = ['qemu-system-'];

/**
 * Name of the process of a virtual machine monitor among the holders, or null. A monitor keeps its own copy of the
 * device's migration state and data stream, and is out of step with the device once anybody else moves it.
 */
export function vmmAmong(holders: readonly Holder[]): string | null {
  const found = holders.find(
    ({ comm }) => NAMES.includes(comm) || PREFIXES.some((prefix) => comm.startsWith(prefix)),
  );
  return found?.comm ?? null;
}
