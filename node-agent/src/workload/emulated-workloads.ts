import { emulatorIndex } from '../device/devices.ts';
import type { VfioUserEntry } from '../device/devices-file.ts';
import { EmulatorFreezer } from './emulator-freezer.ts';
import type { Workloads } from './freezer.ts';

/**
 * Workloads of one emulator: the devices of a group belong to one. `life`: see EmulatorIncarnations; of a group with a device
 * whose incarnation is told by somebody else it says nothing.
 */
export function emulatedWorkloads(
  controlPath: string,
  devices: readonly VfioUserEntry[],
  life: (() => Promise<string>) | null,
): Workloads {
  const groups = new Map(devices.map((device) => [device.id, device.group]));
  const untold = new Set(devices.filter(isOfNoEmulator).map(({ group }) => group));
  return {
    of: (ids) => {
      const [group, ...others] = new Set(ids.map((id) => groups.get(id)));
      if (group === undefined || others.length > 0) {
        throw new RangeError(`the devices ${ids.join(', ')} do not belong to one workload`);
      }
      return new EmulatorFreezer(controlPath, group, untold.has(group) ? null : life);
    },
  };
}

const isOfNoEmulator = ({ vfioUser }: VfioUserEntry): boolean => emulatorIndex(vfioUser) === null;
