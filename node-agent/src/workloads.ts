import { isVfioUser } from './device/devices-file.ts';
import type { DevicesFile } from './device/devices-file.ts';
import type { Members, Membership } from './session/ports.ts';
import { emulatedWorkloads } from './workload/emulated-workloads.ts';
import type { Freezer, Workloads } from './workload/freezer.ts';

/** Makes the control of a workload from the socket of its hook; `nameOf`: what the workload calls a device. */
export type HookFactory = (socketPath: string, nameOf: (id: string) => string) => Freezer;

/** The workloads of the devices file: those with a hook, and those that an emulator plays for the rest. */
export function createWorkloads(file: DevicesFile, hook: HookFactory): Workloads & Members {
  const hooked = new Map<string, Freezer>();
  const nameOf = namesAtTheBroker(file);
  for (const { hook: path, devices } of file.workloads) {
    const freezer = hook(path, nameOf);
    for (const id of devices) hooked.set(id, freezer);
  }
  const rest = file.devices.filter(isVfioUser).filter(({ id }) => !hooked.has(id));
  const emulated =
    file.workload === undefined ? null : emulatedWorkloads(file.workload.emulatorControl, rest);
  const memberships = new Map<string, Membership>();
  for (const { name, devices } of [...file.workloads, ...groupsOf(rest)]) {
    for (const id of devices) memberships.set(id, { name, devices });
  }
  return {
    of: (ids) => {
      const [first, ...others] = new Set(ids.map((id) => hooked.get(id)));
      if (first !== undefined && others.length === 0) return first;
      if (first === undefined && others.length === 0 && emulated !== null) return emulated.of(ids);
      throw new RangeError(`the devices ${ids.join(', ')} do not belong to one workload`);
    },
    workloadOf: (id) => memberships.get(id) ?? null,
  };
}

/** A workload opens its devices by the names that the broker knows them by. */
function namesAtTheBroker({ devices }: DevicesFile): (id: string) => string {
  const names = new Map(devices.map((entry) => [entry.id, isVfioUser(entry) ? entry.id : entry.broker]));
  return (id) => names.get(id) ?? id;
}

/** Emulated workloads have no names: one a group. */
function groupsOf(entries: readonly { readonly id: string; readonly group: number }[]): Membership[] {
  const groups = Map.groupBy(entries, ({ group }) => group);
  return [...groups].map(([group, members]) => ({
    name: `group-${group}`,
    devices: members.map(({ id }) => id),
  }));
}
