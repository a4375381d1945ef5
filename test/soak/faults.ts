/** What happens to a voyage of the run, at a moment that chance chooses; every process is the same one afterwards. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Random } from '../faults/random.ts';
import type { FaultNode } from '../faults/rig/fault-node.ts';
import type { FaultProxy, ProxyCounters } from '../faults/rig/fault-proxy.ts';
import type { FaultRig } from '../faults/rig/fault-rig.ts';
import { eventually, type ManagedProcess } from '../support/managed-process.ts';

/** To end what hangs: far beyond the patience of the product, on a machine with other work. */
const PATIENCE_MS = 300_000;
/** Voyages take about a second; some faults come before anything has begun, some after everything has ended. */
const LATEST_MS = 2_000;
/** Longer than the keepalive of a pull (5 s), far below the 30 s after which a side is given up. */
const LONGEST_STALL_MS = 7_000;
const LONGEST_PAUSE_MS = 3_000;
const SLOW_RATE = 16_000;
const SLOW_MS = 1_500;
/** The device that is faulty. */
const FAULTY = 1;
/** v1 states by the nibble that is written: those on the way there, from which a source comes back unharmed. */
const SOURCE_ARCS = [0x3, 0x2] as const;
const TARGET_ARCS = [0x4, 0x0] as const;

/** Strikes while the migration `name` is under way, and ends before it returns. False: it met nothing. */
export type Strike = (rig: FaultRig, name: string) => Promise<boolean>;

/** Draws everything that is chance at once, so that a seed gives the same run however fast the machine is. */
export interface SoakFault {
  readonly name: string;
  /** Before the manifest is there. */
  readonly arm: (rig: FaultRig) => Promise<void>;
  readonly strike: Strike;
}

const nothing = (): Promise<void> => Promise.resolve();

export function drawFault(random: Random): SoakFault {
  return random.pick(KINDS)(random);
}

const KINDS: readonly ((random: Random) => SoakFault)[] = [
  () => ({ name: 'none', arm: nothing, strike: () => Promise.resolve(true) }),
  (random) => onConnections('cut', random, (proxy) => proxy.cut(), 0),
  (random) => onConnections('held', random, (proxy) => proxy.stall(), random.index(LONGEST_STALL_MS)),
  (random) => onConnections('slowed', random, (proxy) => proxy.slow(SLOW_RATE), SLOW_MS),
  (random) => onConnections('altered', random, (proxy) => proxy.alterNext(), SLOW_MS),
  (random) => paused('operator', random, (rig) => rig.operator),
  (random) => paused('source', random, (rig) => rig.source.agent.process),
  (random) => paused('target', random, (rig) => rig.target.agent.process),
  (random) => onDevice('arc-refused', random, 'refuse-arc', { errno: 'EBUSY', count: 1 }),
  (random) => onDevice('arc-stalled', random, 'stall-arc', { ms: 1_500, count: 1 }),
  () => faulty('stream-corrupted', (rig) => rig.source, 'corrupt-stream', { segment: 1 }),
  (random) => deleted(random),
];

/** Does something to every connection for a while; it has met traffic when the proxies have counted some. */
function onConnections(
  counter: keyof ProxyCounters,
  random: Random,
  does: (proxy: FaultProxy) => void,
  forMs: number,
): SoakFault {
  const after = random.index(LATEST_MS);
  const counted = ({ proxies }: FaultRig): number =>
    proxies.reduce((sum, { counters }) => sum + counters[counter], 0);
  return {
    name: counter,
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

function paused(who: string, random: Random, of: (rig: FaultRig) => ManagedProcess): SoakFault {
  const [after, forMs] = [random.index(LATEST_MS), random.index(LONGEST_PAUSE_MS)];
  return {
    name: `${who}-paused`,
    arm: nothing,
    strike: async (rig) => {
      await delay(after);
      of(rig).signal('SIGSTOP');
      await delay(forMs);
      of(rig).signal('SIGCONT');
      return true;
    },
  };
}

type Arguments = Readonly<Record<string, string | number>>;

function onDevice(name: string, random: Random, kind: string, args: Arguments): SoakFault {
  const isSource = random.index(2) === 0;
  const to = random.pick(isSource ? SOURCE_ARCS : TARGET_ARCS);
  return faulty(name, (rig) => (isSource ? rig.source : rig.target), kind, { to, ...args });
}

/** Armed before the voyage; it has met something when the emulator has used it. */
function faulty(name: string, of: (rig: FaultRig) => FaultNode, kind: string, args: Arguments): SoakFault {
  const before = new WeakMap<FaultRig, number>();
  const used = async (rig: FaultRig): Promise<number> =>
    (await of(rig).control.devices())[FAULTY]?.faultsUsed ?? 0;
  return {
    name,
    arm: async (rig) => {
      before.set(rig, await used(rig));
      await of(rig).control.fault(FAULTY, kind, args);
    },
    strike: async (rig, migration) => {
      // The source is where it was until the voyage is over and taken note of.
      await ended(rig, migration);
      await of(rig).control.clear(FAULTY);
      return (await used(rig)) > (before.get(rig) ?? 0);
    },
  };
}

async function ended(rig: FaultRig, migration: string): Promise<void> {
  await eventually(
    `${migration} ends`,
    PATIENCE_MS,
    async () => (await rig.record(migration))?.status.completedAt ?? null,
  );
}

function deleted(random: Random): SoakFault {
  const after = random.index(LATEST_MS);
  return {
    name: 'deleted',
    arm: nothing,
    strike: async (rig, migration) => {
      // Until then a manifest that goes was never there.
      await eventually(`${migration} is taken up`, PATIENCE_MS, () => rig.record(migration));
      await delay(after);
      const isUnderWay = (await rig.record(migration))?.status.completedAt === undefined;
      await rig.remove(migration);
      return isUnderWay;
    },
  };
}
