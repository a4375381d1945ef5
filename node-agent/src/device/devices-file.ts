import { parse } from 'yaml';
import { z } from 'zod';

/** Ids are `<nodeName>/<name>`, as in the inventory (crds/src/device.ts). */
const deviceName = z.string().regex(/^[A-Za-z0-9]([-A-Za-z0-9._:]{0,61}[A-Za-z0-9])?$/);
const socketPath = z.string().startsWith('/').max(107);
/** As the broker's --device has it. */
const brokerName = z.string().regex(/^[\w./-]{1,64}$/);
/** Domain, bus, slot and function as in sysfs. */
const pciAddress = z.string().regex(/^[0-9a-f]{4,8}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]$/);
const workloadName = z.string().regex(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/);

interface Entry {
  readonly id: string;
  /** By which others know the device, such as a DRA driver. */
  readonly pciAddress?: string;
  /** What its device plugin or DRA driver calls it, beside the name in its id. */
  readonly allocationIds?: readonly string[];
}

/** A device that a vfio-user server offers; `group` says which of several emulated workloads drives it. */
export interface VfioUserEntry extends Entry {
  readonly vfioUser: string;
  readonly group: number;
}

/** A device that the broker keeps, by its name there. */
export interface BrokeredEntry extends Entry {
  readonly broker: string;
}

export type DeviceEntry = VfioUserEntry | BrokeredEntry;

const deviceEntry = z
  .strictObject({
    id: z.string(),
    vfioUser: socketPath.optional(),
    group: z.int().min(0).max(255).optional(),
    broker: brokerName.optional(),
    pciAddress: pciAddress.optional(),
    allocationIds: z.array(z.string().min(1).max(1024)).min(1).max(16).optional(),
  })
  .transform(({ id, vfioUser, group, broker, pciAddress: address, allocationIds }, context): DeviceEntry => {
    const entry = {
      id,
      ...(address === undefined ? {} : { pciAddress: address }),
      ...(allocationIds === undefined ? {} : { allocationIds }),
    };
    if (vfioUser !== undefined && broker === undefined) return { ...entry, vfioUser, group: group ?? 0 };
    if (broker !== undefined && vfioUser === undefined && group === undefined) return { ...entry, broker };
    const message = 'a device has either vfioUser (and group), or broker';
    context.addIssue({ code: 'custom', message });
    return z.NEVER;
  });

const workloadEntry = z.strictObject({
  name: workloadName,
  hook: socketPath,
  uid: z
    .int()
    .min(0)
    .max(2 ** 32 - 2)
    .optional(),
  devices: z.array(z.string()).min(1).max(256),
});

const devicesFile = z.strictObject({
  broker: socketPath.optional(),
  devices: z.array(deviceEntry).min(1).max(256),
  workload: z.strictObject({ emulatorControl: socketPath }).optional(),
  workloads: z.array(workloadEntry).max(256).default([]),
});

export type DevicesFile = z.output<typeof devicesFile>;
export type WorkloadEntry = DevicesFile['workloads'][number];

/** The devices file cannot be used; the message names the place in it. */
export class DevicesFileError extends Error {
  override readonly name = 'DevicesFileError';
}

export const isVfioUser = (entry: DeviceEntry): entry is VfioUserEntry => 'vfioUser' in entry;

/**
 * Parses the YAML that lists the devices of this node and the workloads that drive them:
 *
 *   broker: /run/transship/agent.sock
 *   devices:
 *     - { id: gpu-a/0, broker: gpu-a/0, pciAddress: '0000:3b:00.1' }   # its name at the broker
 *     - { id: gpu-a/1, vfioUser: /run/transship/1.sock, group: 0, allocationIds: [card-1] }
 *   workloads:
 *     - { name: trainer, hook: /run/transship/hooks/trainer/hook.sock, devices: [gpu-a/0], uid: 1000 }
 *   workload: { emulatorControl: /run/transship/control.sock }
 *
 * `pciAddress`, where it is given, is told in the inventory. By it, the name in its id, or one of its `allocationIds` a device
 * is found in what the kubelet says of pods; one of a DRA driver may be written as `pool/device`. `uid`: the user whose hook it is; without it the owner of the socket's folder. `workload` is for emulated devices: `group` says which of its several workloads drives one.
 * @throws DevicesFileError
 */
export function parseDevicesFile(text: string, nodeName: string): DevicesFile {
  const parsed = devicesFile.safeParse(readYaml(text));
  if (!parsed.success) throw new DevicesFileError(z.prettifyError(parsed.error));
  const file = parsed.data;
  checkDevices(file, nodeName);
  checkWorkloads(file);
  return file;
}

function checkDevices({ broker, devices }: DevicesFile, nodeName: string): void {
  for (const [index, device] of devices.entries()) {
    const prefix = `${nodeName}/`;
    if (!device.id.startsWith(prefix) || !deviceName.safeParse(device.id.slice(prefix.length)).success) {
      throw new DevicesFileError(
        `devices[${index}].id: ${device.id} is not ${prefix} and a name of letters, digits, - . _ :`,
      );
    }
    if (!isVfioUser(device) && broker === undefined) {
      throw new DevicesFileError(
        `devices[${index}].broker: the file does not say where the broker listens (broker: /path)`,
      );
    }
  }
  refuseTwice(
    'two devices have the id',
    devices.map(({ id }) => id),
  );
  refuseTwice(
    'two devices have the vfioUser',
    devices.filter(isVfioUser).map(({ vfioUser }) => vfioUser),
  );
  refuseTwice(
    'two devices have the pciAddress',
    devices.flatMap((device) => device.pciAddress ?? []),
  );
  refuseTwice(
    'two devices, or one twice, have the allocationIds entry',
    devices.flatMap((device) => device.allocationIds ?? []),
  );
  const brokered = devices.filter((device): device is BrokeredEntry => !isVfioUser(device));
  refuseTwice(
    'two devices have the broker',
    brokered.map((device) => device.broker),
  );
}

function checkWorkloads({ devices, workload, workloads }: DevicesFile): void {
  refuseTwice(
    'two workloads have the name',
    workloads.map(({ name }) => name),
  );
  refuseTwice(
    'two workloads have the hook',
    workloads.map(({ hook }) => hook),
  );
  const listed = workloads.flatMap((entry) => entry.devices);
  refuseTwice('two workloads, or one twice, have the device', listed);
  const ids = new Set(devices.map(({ id }) => id));
  for (const [index, entry] of workloads.entries()) {
    const unknown = entry.devices.find((id) => !ids.has(id));
    if (unknown === undefined) continue;
    throw new DevicesFileError(`workloads[${index}].devices: ${unknown} is not one of the devices`);
  }
  const alone = devices.find((device) => isVfioUser(device) && !listed.includes(device.id));
  if (alone !== undefined && workload === undefined) {
    throw new DevicesFileError(
      `workload: ${alone.id} is in no workloads entry, so workload.emulatorControl is needed`,
    );
  }
}

function refuseTwice(what: string, values: readonly string[]): void {
  const double = values.find((value, index) => values.indexOf(value) !== index);
  if (double !== undefined) throw new DevicesFileError(`${what} ${double}`);
}

function readYaml(text: string): unknown {
  try {
    return parse(text, { maxAliasCount: 0 });
  } catch (cause) {
    throw new DevicesFileError(`it is not YAML: ${(cause as Error).message}`, { cause });
  }
}
