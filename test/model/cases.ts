import { PLAN } from './variant.ts';
import { FAULTS, type Fault } from './world.ts';

/** One exploration: so many faults together, of these kinds, each as often as it likes. */
export interface Case {
  readonly name: string;
  readonly plan: typeof PLAN;
  readonly faults: number;
  readonly kinds: readonly Fault[];
}

export const PLANS = {
  'pre-copy': PLAN,
  'stop and copy': { ...PLAN, preCopy: false },
  'deadline policy Wait': { ...PLAN, waitOnDeadline: true },
} as const;

const ALL = Object.keys(FAULTS) as Fault[];

/** Kinds that multiply states: a device that is away, or another one, goes with every moment of everything else. */
const WIDE: readonly Fault[] = ['deviceSilent', 'brokerRestart', 'operatorLost', 'vanished'];
const others = (wide: readonly Fault[]): Fault[] => ALL.filter((kind) => !wide.includes(kind));

/** Kinds that belong together, three faults deep. */
const GROUPS: Readonly<Record<string, readonly Fault[]>> = {
  commands: ['lost', 'duplicate', 'deletion', 'operatorCrash', 'otherBinds'],
  'writes and leaders': ['stalledWrite', 'operatorCrash', 'takeover', 'deletion', 'restored'],
  agents: ['agentCrash', 'journalLost', 'operatorCrash', 'restored'],
  devices: ['arcRefused', 'deviceError', 'resetFails', 'stuck', 'deadline', 'deletion'],
  streams: ['streamCorrupt', 'replayed', 'staleNews', 'arcRefused', 'agentCrash'],
  workloads: ['workloadRefuses', 'workloadDied', 'deadline', 'agentCrash', 'deletion'],
};

/** What `npm test` runs. */
export const QUICK: readonly Case[] = [
  ...Object.entries(PLANS).flatMap(([name, plan]): Case[] => [
    { name: `${name}, no fault`, plan, faults: 0, kinds: ALL },
    { name: `${name}, any one fault`, plan, faults: 1, kinds: ALL },
  ]),
  {
    name: 'two faults of commands',
    plan: PLAN,
    faults: 2,
    kinds: ['lost', 'duplicate', 'deletion', 'otherBinds'],
  },
  {
    name: 'two faults of writes',
    plan: PLAN,
    faults: 2,
    kinds: ['stalledWrite', 'deletion', 'operatorCrash', 'lost'],
  },
  {
    name: 'two faults of devices',
    plan: PLAN,
    faults: 2,
    kinds: ['arcRefused', 'deviceError', 'resetFails', 'deletion'],
  },
];

/**
 * What `--full` runs, cheapest first: any two faults; three faults of kinds that belong together; any three faults of
 * all kinds but the widest; and any three at all, which may run into the bound and then counts as failed.
 */
export const FULL: readonly Case[] = [
  ...QUICK,
  ...Object.entries(GROUPS).map(([name, kinds]): Case => ({
    name: `three faults of ${name}`,
    plan: PLAN,
    faults: 3,
    kinds,
  })),
  ...Object.entries(PLANS).map(([name, plan]): Case => ({
    name: `${name}, any two faults`,
    plan,
    faults: 2,
    kinds: ALL,
  })),
  {
    name: `pre-copy, any three faults without ${WIDE.join(', ')}`,
    plan: PLAN,
    faults: 3,
    kinds: others(WIDE),
  },
  { name: 'pre-copy, any three faults', plan: PLAN, faults: 3, kinds: ALL },
];
