import type { VfioUserEntry } from '../device/devices-file.ts';
import { EmulatorFreezer } from './emulator-freezer.ts';
import type { Workloads } from './freezer.ts';

/** Workloads of one emulator: the devices of a group belong to one. `life`: see EmulatorIncarnations. */
export function emulatedWorkloads(
  controlPath: string,
  devices: readonly VfioUserEntry[],
  life: (() => Promise<string>) | null,
): Workloads {
  const groups = new Map(devices.map((device) => [device.id, device.group]));
  return {
    of: (ids) => {
      const [group, ...others] = new Set(ids.map((id) => groups.get(id)));
      if (group === undefined || others.length > 0) {
        throw new RangeError(`the devices ${ids.join(', ')} do not belong to one workload`);
      }
      return new EmulatorFreezer(controlPath, group, life);
    },
  };
}
