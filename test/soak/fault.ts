/** What happens to a voyage of a long run, and the kinds that need nothing but proxies and a folder of manifests. */
import { setTimeout as delay } from 'node:timers/promises';
import type { DeviceMigrationStatus } from '@transship/crds';
import type { Random } from '../faults/random.ts';
import type { FaultProxy, ProxyCounters } from '../faults/rig/fault-proxy.ts';
import { eventually } from '../support/managed-process.ts';

/** To end what hangs: far beyond the patience of the product, on a machine with other work. */
const PATIENCE_MS = 300_000;
/** Longer than the keepalive of a pull (5 s), far below the 30 s after which a side is given up. */
const LONGEST_STALL_MS = 7_000;
const SLOW_RATE = 16_000;
const SLOW_MS = 1_500;

/** What these kinds ask of a rig. */
export interface SoakRig {
  readonly proxies: readonly FaultProxy[];
  /** null: there is no such migration, or no more. */
  record(name: string): Promise<{ readonly status: DeviceMigrationStatus } | null>;
  /** Takes the manifest away. */
  remove(name: string): Promise<void>;
}

/** Draws everything that is chance at once, so that a seed gives the same run however fast the machine is. */
export interface SoakFault<Rig> {
  readonly name: string;
  /** Codes with which a voyage may end that it met; none: the voyage must move (test/faults/allowed.ts). */
  readonly mayEnd: readonly string[];
  /** Before the manifest is there. */
  readonly arm: (rig: Rig) => Promise<void>;
  /** Strikes while the migration `name` is under way, and ends before it returns. False: it met nothing. */
  readonly strike: (rig: Rig, name: string) => Promise<boolean>;
}

export type DrawsFault<Rig> = (random: Random) => SoakFault<Rig>;

export const nothing = (): Promise<void> => Promise.resolve();

export const CALM: SoakFault<unknown> = {
  name: 'none',
  mayEnd: [],
  arm: nothing,
  strike: () => Promise.resolve(false),
};

/** @param latestMs the latest moment of a voyage that any of them begins at */
export const commonKinds = (latestMs: number): readonly DrawsFault<SoakRig>[] => [
  () => CALM,
  (random) => onConnections('cut', random.index(latestMs), 0, (proxy) => proxy.cut()),
  (random) => {
    const [after, forMs] = [random.index(latestMs), random.index(LONGEST_STALL_MS)];
    return onConnections('held', after, forMs, (proxy) => proxy.stall());
  },
  (random) => onConnections('slowed', random.index(latestMs), SLOW_MS, (proxy) => proxy.slow(SLOW_RATE)),
  (random) => onConnections('altered', random.index(latestMs), SLOW_MS, (proxy) => proxy.alterNext()),
  (random) => deleted(random.index(latestMs)),
];

/** Does something to every connection for a while; it has met traffic when the proxies have counted some. */
function onConnections(
  counter: keyof ProxyCounters,
  after: number,
  forMs: number,
  does: (proxy: FaultProxy) => void,
): SoakFault<SoakRig> {
  const counted = ({ proxies }: SoakRig): number =>
    proxies.reduce((sum, { counters }) => sum + counters[counter], 0);
  return {
    name: counter,
    mayEnd: [],
    arm: nothing,
    strike: async (rig) => {
      await delay(after);
      const before = counted(rig);
      for (const proxy of rig.proxies) does(proxy);
      await delay(forMs);
      for (const proxy of rig.proxies) proxy.free();
      return counted(rig) > before;
    },
  };
}

function deleted(after: number): SoakFault<SoakRig> {
  return {
    name: 'deleted',
    mayEnd: ['Cancelled'],
    arm: nothing,
    strike: async (rig, migration) => {
      await takenUp(rig, migration);
      await delay(after);
      const isMet = await isUnderWay(rig, migration);
      await rig.remove(migration);
      return isMet;
    },
  };
}

/** Until then a manifest that goes was never there. */
export async function takenUp(rig: SoakRig, migration: string): Promise<void> {
  await eventually(`${migration} is taken up`, PATIENCE_MS, () => rig.record(migration));
}

export async function isUnderWay(rig: SoakRig, migration: string): Promise<boolean> {
  const record = await rig.record(migration);
  return record !== null && record.status.completedAt === undefined;
}

export async function ended(rig: SoakRig, migration: string): Promise<void> {
  await eventually(
    `${migration} ends`,
    PATIENCE_MS,
    async () => (await rig.record(migration))?.status.completedAt ?? null,
  );
}
