import { parse } from 'yaml';
import { z } from 'zod';

/** Ids are `<nodeName>/<name>`, as in the inventory (crds/src/device.ts). */
const deviceName = z.string().regex(/^[A-Za-z0-9]([-A-Za-z0-9._:]{0,61}[A-Za-z0-9])?$/);
const socketPath = z.string().startsWith('/').max(107);

const devicesFile = z.strictObject({
  devices: z
    .array(
      z.strictObject({ id: z.string(), vfioUser: socketPath, group: z.int().min(0).max(255).default(0) }),
    )
    .min(1)
    .max(256),
  workload: z.strictObject({ emulatorControl: socketPath }),
});

export type DevicesFile = z.output<typeof devicesFile>;
export type DeviceEntry = DevicesFile['devices'][number];

/** The devices file cannot be used; the message names the place in it. */
export class DevicesFileError extends Error {
  override readonly name = 'DevicesFileError';
}

/**
 * Parses the YAML that lists the devices of this node:
 *
 *   devices:
 *     - { id: gpu-a/0, vfioUser: /run/transship/0.sock }
 *   workload: { emulatorControl: /run/transship/control.sock }
 *
 * `group` of a device says which of several workloads drives it; default 0.
 * @throws DevicesFileError
 */
export function parseDevicesFile(text: string, nodeName: string): DevicesFile {
  const parsed = devicesFile.safeParse(readYaml(text));
  if (!parsed.success) throw new DevicesFileError(z.prettifyError(parsed.error));
  const { devices } = parsed.data;
  for (const [index, device] of devices.entries()) {
    const prefix = `${nodeName}/`;
    if (!device.id.startsWith(prefix) || !deviceName.safeParse(device.id.slice(prefix.length)).success) {
      throw new DevicesFileError(
        `devices[${index}].id: ${device.id} is not ${prefix} and a name of letters, digits, - . _ :`,
      );
    }
  }
  for (const key of ['id', 'vfioUser'] as const) {
    const values = devices.map((device) => device[key]);
    const double = values.find((value, index) => values.indexOf(value) !== index);
    if (double !== undefined) throw new DevicesFileError(`two devices have the ${key} ${double}`);
  }
  return parsed.data;
}

function readYaml(text: string): unknown {
  try {
    return parse(text, { maxAliasCount: 0 });
  } catch (cause) {
    throw new DevicesFileError(`it is not YAML: ${(cause as Error).message}`, { cause });
  }
}
