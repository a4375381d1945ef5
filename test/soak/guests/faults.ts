/** What happens to a voyage between the guests. Brokers hold the devices, so everything else may die. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Random } from '../../faults/random.ts';
import type { KernelNode } from '../../kernel/voyage/node.ts';
import { commonKinds, isUnderWay, nothing, type DrawsFault, type SoakFault } from '../fault.ts';
import type { GuestRig } from './rig.ts';

/** Guests without KVM take about so long for a voyage. */
const LATEST_MS = 12_000;
const LONGEST_ABSENCE_MS = 3_000;

export function drawFault(random: Random): SoakFault<GuestRig> {
  return random.pick(KINDS)(random);
}

const KINDS: readonly DrawsFault<GuestRig>[] = [
  ...commonKinds(LATEST_MS),
  (random) => killed('source', ['AgentRestarted'], random, ({ source }) => agents([source])),
  (random) => killed('target', [], random, ({ target }) => agents([target])),
  (random) => killed('both-agents', ['AgentRestarted'], random, ({ nodes }) => agents(nodes)),
  (random) =>
    killed('operator', [], random, (rig) => ({
      kill: () => rig.killOperator(),
      start: () => rig.startOperatorAgain(),
    })),
];

interface Victim {
  readonly kill: () => Promise<void>;
  readonly start: () => Promise<void>;
}

const agents = (nodes: readonly KernelNode[]): Victim => ({
  kill: async () => void (await Promise.all(nodes.map((node) => node.killAgent()))),
  start: async () => void (await Promise.all(nodes.map((node) => node.startAgent()))),
});

/** By SIGKILL, and started again a while later. */
function killed(
  who: string,
  mayEnd: readonly string[],
  random: Random,
  of: (rig: GuestRig) => Victim,
): SoakFault<GuestRig> {
  const [after, forMs] = [random.index(LATEST_MS), random.index(LONGEST_ABSENCE_MS)];
  return {
    name: `${who}-killed`,
    mayEnd,
    arm: nothing,
    strike: async (rig, migration) => {
      const { kill, start } = of(rig);
      await delay(after);
      const isMet = await isUnderWay(rig, migration);
      await kill();
      await delay(forMs);
      await start();
      return isMet;
    },
  };
}
