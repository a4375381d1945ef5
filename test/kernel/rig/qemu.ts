import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { freePorts } from '../../cluster/rig/ports.ts';
import { ManagedProcess, eventually } from '../../support/managed-process.ts';
import { projectRoot } from '../../support/processes.ts';
import { CONTROL_PORT } from '../protocol.ts';
import { accelerator } from './accelerator.ts';
import type { GuestAssets, ModuleSet } from './assets.ts';
import { ControlClient } from './control-client.ts';

/** TCP ports that a guest serves; each is forwarded from a port of the host's 127.0.0.1. */
export const GUEST_PORTS = { control: CONTROL_PORT, driver: CONTROL_PORT + 1, agent: 7100 } as const;

export type GuestPort = keyof typeof GUEST_PORTS;

/** All that a test needs to find a running guest; plain data, so that it can cross to another process. */
export interface GuestDescription {
  readonly name: string;
  readonly set: ModuleSet;
  /** Folder of the modules it is to load, the same path in the guest as on the host. */
  readonly modules: string;
  readonly kernel: string;
  /** Ports of the host. */
  readonly ports: Readonly<Record<GuestPort, number>>;
  readonly consoleFile: string;
  readonly accelerator: 'kvm' | 'tcg';
  /** From the start of QEMU to the first answer, ms. */
  readonly bootMs: number;
}

export interface QemuOptions {
  readonly name: string;
  readonly set: ModuleSet;
  readonly assets: GuestAssets;
  /** The console, and what QEMU itself says, go here. */
  readonly workDir: string;
}

export interface RunningQemu extends AsyncDisposable {
  readonly process: ManagedProcess;
  readonly description: GuestDescription;
}

const MEMORY_MIB = 512;
/** Three seconds on an idle machine, nine to the first answer of the program in it. */
const BOOT_DEADLINE_MS = 300_000;
const END_DEADLINE_MS = 60_000;

/** Watchdogs of the kernel measure the host's load here; one minute of silence is what they may complain of. */
const PATIENCE = ['watchdog_thresh=60', 'rcupdate.rcu_cpu_stall_timeout=120', 'hung_task_timeout_secs=120'];

/**
 * For Node in the guest. Code that V8 makes at run time has to be translated once more by TCG, which costs two to three
 * times as much as interpreting what it was made from.
 */
const NODE_OPTIONS = { kvm: '', tcg: '--jitless' } as const;

/**
 * The clock of the guest. The speed of the TSC is measured at boot, and a processor that others use meanwhile makes it
 * wrong: such a guest's clock ran at 0.7 of the right speed. QEMU tells the speed of its HPET. KVM has its own clock.
 */
const CLOCK = { kvm: [], tcg: ['clocksource=hpet'] } as const;

const kernelArguments = (node: string, main: string, keep: readonly string[], accel: 'kvm' | 'tcg'): string =>
  [
    // 5: warnings are shown, and the kernel's check reads them there.
    ...['console=ttyS0', 'loglevel=5', 'panic=-1', '8250.nr_uarts=1'],
    ...['mitigations=off', 'cryptomgr.notests', 'random.trust_cpu=on', 'tsc=reliable', 'no_timer_check'],
    ...CLOCK[accel],
    ...PATIENCE,
    // For devices that do DMA and are given to vfio-pci.
    ...['intel_iommu=on', 'iommu=pt'],
    ...[`GUEST_NODE="${node}"`, `GUEST_MAIN="${main}"`, `GUEST_KEEP="${keep.join(':')}"`],
    `NODE_OPTIONS="${NODE_OPTIONS[accel]}"`,
  ].join(' ');

const guestProgram = join(projectRoot, 'test/dist/kernel/guest/main.js');

/** Starts QEMU and waits until the guest's control server answers. Disposing of it ends the guest, killing it if need be. */
export async function startQemu({ name, set, assets, workDir }: QemuOptions): Promise<RunningQemu> {
  const begin = Date.now();
  const names = Object.keys(GUEST_PORTS) as GuestPort[];
  const free = await freePorts(names.length);
  const ports = Object.fromEntries(names.map((port, index) => [port, free[index]])) as Record<
    GuestPort,
    number
  >;
  const forwards = names.map((port) => `hostfwd=tcp:127.0.0.1:${ports[port]}-:${GUEST_PORTS[port]}`);
  const consoleFile = join(workDir, `${name}.console`);
  const accel = accelerator();
  const guest = new ManagedProcess({
    name: `guest ${name}`,
    program: 'qemu-system-x86_64',
    args: [
      ...['-accel', accel, '-cpu', 'qemu64', '-M', 'q35', '-m', String(MEMORY_MIB), '-smp', '2'],
      ...['-nodefaults', '-display', 'none', '-no-reboot', '-serial', `file:${consoleFile}`],
      ...['-kernel', join(assets.directory, 'bzImage'), '-initrd', join(assets.directory, 'initramfs.gz')],
      ...[
        '-append',
        kernelArguments(process.execPath, guestProgram, [projectRoot, dirname(assets.directory)], accel),
      ],
      ...['-device', 'intel-iommu,intremap=off'],
      '-virtfs',
      'local,path=/,mount_tag=rootfs,security_model=none,readonly=on,multidevs=remap',
      ...['-netdev', ['user', 'id=n0', ...forwards].join(',')],
      ...['-device', 'virtio-net-pci,netdev=n0,romfile='],
      // Devices that no driver claims, for plain vfio-pci: one that is alone in its IOMMU group, and one that shares
      // it with a device of the kernel's.
      ...['-device', 'edu', '-device', 'pcie-pci-bridge,id=shared'],
      ...['-device', 'edu,bus=shared,addr=1', '-device', 'virtio-rng-pci,bus=shared,addr=2'],
    ],
    logFile: join(workDir, `${name}.qemu.log`),
  });
  try {
    const bootMs = await answering(guest, consoleFile, ports.control, begin);
    const modules = join(assets.directory, set);
    return {
      process: guest,
      description: {
        name,
        set,
        modules,
        kernel: assets.kernel,
        ports,
        consoleFile,
        accelerator: accel,
        bootMs,
      },
      [Symbol.asyncDispose]: () => end(guest, ports.control),
    };
  } catch (error) {
    await guest.kill();
    throw error;
  }
}

/** Waits for the line of the control server, then for its first answer. */
async function answering(
  guest: ManagedProcess,
  consoleFile: string,
  controlPort: number,
  begin: number,
): Promise<number> {
  await eventually(`${guest.name}: control server`, BOOT_DEADLINE_MS, async () => {
    const log = await readFile(consoleFile, 'utf8').catch(() => '');
    if (log.includes('control server: listening')) return true;
    if (!guest.running) throw new Error(`${guest.name} ended while it booted:\n${log}\n${await guest.log()}`);
    return null;
  });
  await using client = await ControlClient.connect(controlPort);
  await client.call('ping', {});
  return Date.now() - begin;
}

/** Asks the guest to end, which powers it off; kills it when it does not. */
async function end(guest: ManagedProcess, controlPort: number): Promise<void> {
  try {
    if (guest.running) {
      await using client = await ControlClient.connect(controlPort);
      await client.call('end', {});
      await eventually(`the end of ${guest.name}`, END_DEADLINE_MS, () => (guest.running ? null : true));
    }
  } finally {
    await guest.kill();
  }
}
