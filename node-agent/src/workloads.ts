import { isVfioUser } from './device/devices-file.ts';
import type { DevicesFile } from './device/devices-file.ts';
import type { Members, Membership } from './session/ports.ts';
import { emulatedWorkloads } from './workload/emulated-workloads.ts';
import type { Freezer, Workloads } from './workload/freezer.ts';
import type { DeviceNames } from './workload/hook-freezer.ts';

/** A workload that has a hook. */
export interface HookedWorkload {
  readonly socketPath: string;
  /** Its user; null when the devices file does not say it. */
  readonly uid: number | null;
  readonly names: DeviceNames;
  /** Its devices at the broker, by their names there. */
  readonly brokered: readonly string[];
}

/** Makes the control of a workload. */
export type HookFactory = (workload: HookedWorkload) => Freezer;

/**
 * The workloads of the devices file: those with a hook, and those that an emulator plays for the rest. `emulatorLife`: what
 * the incarnations of the emulator's devices begin with now; null: nobody can tell.
 */
export function createWorkloads(
  file: DevicesFile,
  hook: HookFactory,
  emulatorLife: (() => Promise<string>) | null = null,
): Workloads & Members {
  const hooked = new Map<string, Freezer>();
  const names = namesAtTheBroker(file);
  const atBroker = new Map(
    file.devices.flatMap((entry) => (isVfioUser(entry) ? [] : [[entry.id, entry.broker]])),
  );
  for (const { hook: socketPath, uid, devices } of file.workloads) {
    const brokered = devices.flatMap((id) => atBroker.get(id) ?? []);
    const freezer = hook({ socketPath, uid: uid ?? null, names, brokered });
    for (const id of devices) hooked.set(id, freezer);
  }
  const rest = file.devices.filter(isVfioUser).filter(({ id }) => !hooked.has(id));
  const emulated =
    file.workload === undefined ? null : emulatedWorkloads(file.workload.emulatorControl, rest, emulatorLife);
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
function namesAtTheBroker({ devices }: DevicesFile): DeviceNames {
  const pairs = devices.map((entry) => [entry.id, isVfioUser(entry) ? entry.id : entry.broker] as const);
  const names = new Map(pairs);
  const ids = new Map(pairs.map(([id, name]) => [name, id]));
  return { nameOf: (id) => names.get(id) ?? id, idOf: (name) => ids.get(name) ?? name };
}

/** Emulated workloads have no names: one a group. */
function groupsOf(entries: readonly { readonly id: string; readonly group: number }[]): Membership[] {
  const groups = Map.groupBy(entries, ({ group }) => group);
  return [...groups].map(([group, members]) => ({
    name: `group-${group}`,
    devices: members.map(({ id }) => id),
  }));
}
