/** What happens to a voyage between emulated nodes; every process is the same one afterwards. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Random } from '../faults/random.ts';
import type { FaultNode } from '../faults/rig/fault-node.ts';
import type { FaultRig } from '../faults/rig/fault-rig.ts';
import type { ManagedProcess } from '../support/managed-process.ts';
import { commonKinds, ended, nothing, type DrawsFault, type SoakFault } from './fault.ts';

/** Voyages take about a second; some faults come before anything has begun, some after everything has ended. */
const LATEST_MS = 2_000;
const LONGEST_PAUSE_MS = 3_000;
/** The device that is faulty. */
const FAULTY = 1;
/** v1 states by the nibble that is written: those on the way there, from which a source comes back unharmed. */
const SOURCE_ARCS = [0x3, 0x2] as const;
const TARGET_ARCS = [0x4, 0x0] as const;

type Fault = SoakFault<FaultRig>;

export function drawFault(random: Random): Fault {
  return random.pick(KINDS)(random);
}

const KINDS: readonly DrawsFault<FaultRig>[] = [
  ...commonKinds(LATEST_MS),
  (random) => paused('operator', random, (rig) => rig.operator),
  (random) => paused('source', random, (rig) => rig.source.agent.process),
  (random) => paused('target', random, (rig) => rig.target.agent.process),
  (random) => onDevice('arc-refused', ['ArcFailed'], random, 'refuse-arc', { errno: 'EBUSY', count: 1 }),
  (random) => onDevice('arc-stalled', [], random, 'stall-arc', { ms: 1_500, count: 1 }),
  () => faulty('stream-corrupted', [], (rig) => rig.source, 'corrupt-stream', { segment: 1 }),
];

function paused(who: string, random: Random, of: (rig: FaultRig) => ManagedProcess): Fault {
  const [after, forMs] = [random.index(LATEST_MS), random.index(LONGEST_PAUSE_MS)];
  return {
    name: `${who}-paused`,
    mayEnd: [],
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

function onDevice(
  name: string,
  mayEnd: readonly string[],
  random: Random,
  kind: string,
  args: Arguments,
): Fault {
  const isSource = random.index(2) === 0;
  const to = random.pick(isSource ? SOURCE_ARCS : TARGET_ARCS);
  return faulty(name, mayEnd, (rig) => (isSource ? rig.source : rig.target), kind, { to, ...args });
}

/** Armed before the voyage; it has met something when the emulator has used it. */
function faulty(
  name: string,
  mayEnd: readonly string[],
  of: (rig: FaultRig) => FaultNode,
  kind: string,
  args: Arguments,
): Fault {
  const before = new WeakMap<FaultRig, number>();
  const used = async (rig: FaultRig): Promise<number> =>
    (await of(rig).control.devices())[FAULTY]?.faultsUsed ?? 0;
  return {
    name,
    mayEnd,
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
