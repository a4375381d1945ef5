import type { DeviceMigrationStatus } from '@transship/crds';
import type {
  Digest,
  EmulatedDevice,
  EmulatedLink,
  EmulatedWorkload,
  Violation,
} from '../support/emulator-control.ts';
import { eventually } from '../support/managed-process.ts';
import type { DemoNode } from './nodes.ts';

/** Everything that the checks and the table are made from; nothing in it was computed from the streams. */
export interface Evidence {
  readonly status: DeviceMigrationStatus;
  readonly transferMs: number | null;
  /** At work on the source, before anything was asked of it. */
  readonly workloadBefore: EmulatedWorkload;
  /** Of the memory of each target device when it had been reset and stopped to be loaded; empty when not caught. */
  readonly targetMemoryBefore: readonly string[];
  /** Of the source devices at StopCopy. */
  readonly left: readonly Digest[];
  /** Of the target devices at Stop, before activation. */
  readonly arrived: readonly Digest[];
  /** As the source's emulator counted them, until the set stopped there. */
  readonly sourceLinks: readonly EmulatedLink[];
  /** As the target's emulator counts them while the set runs there. */
  readonly targetLinks: readonly EmulatedLink[];
  readonly sourceDevices: readonly EmulatedDevice[];
  readonly targetDevices: readonly EmulatedDevice[];
  readonly sourceWorkload: EmulatedWorkload;
  readonly targetWorkload: EmulatedWorkload;
  readonly violations: readonly (Violation & { readonly node: string })[];
}

const RESUME_DEADLINE_MS = 60_000;
/** On each link after the thaw, so that the set is seen at work and not only awake. */
const ENOUGH_TRANSACTIONS = 100;

/** Of each device at the last moment when it stopped, or took what it had loaded. */
export function keptDigests({ emulator, agent }: DemoNode): Promise<Digest[]> {
  return Promise.all(agent.deviceIds.map((_, device) => emulator.control.keptDigest(device)));
}

/** Asks both emulators for all the rest once the migration has ended. */
export async function collect(
  source: DemoNode,
  target: DemoNode,
  known: Pick<Evidence, 'status' | 'transferMs' | 'workloadBefore' | 'targetMemoryBefore'>,
): Promise<Evidence> {
  const left = source.emulator.control;
  const arrived = target.emulator.control;
  const targetLinks = await linksAtWork(target);
  return {
    ...known,
    left: await keptDigests(source),
    arrived: await keptDigests(target),
    sourceLinks: await left.links(),
    targetLinks,
    sourceDevices: await left.devices(),
    targetDevices: await arrived.devices(),
    sourceWorkload: await left.workload(),
    targetWorkload: await arrived.workload(),
    violations: [
      ...(await left.violations()).map((violation) => ({ ...violation, node: source.name })),
      ...(await arrived.violations()).map((violation) => ({ ...violation, node: target.name })),
    ],
  };
}

/** The links once each has carried enough; as they are when that does not come, which the checks will tell. */
async function linksAtWork(target: DemoNode): Promise<readonly EmulatedLink[]> {
  try {
    return await eventually('transactions on the target', RESUME_DEADLINE_MS, async () => {
      const links = await target.emulator.control.links();
      const isBusy = links.every(({ receivedHere }) => receivedHere >= ENOUGH_TRANSACTIONS);
      return links.length > 0 && isBusy ? links : null;
    });
  } catch {
    return target.emulator.control.links();
  }
}
