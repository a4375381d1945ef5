/** Brings a migration between guests into one of the ten steps and keeps it there until it is let go. */
import type { DeviceMigrationManifest } from '@transship/crds';
import type { Role } from '@transship/node-agent/contract';
import type { FaultProxy } from '../../faults/rig/fault-proxy.ts';
import type { Step } from '../../faults/steps.ts';
import type { OwnDevice } from '../rig/own-device.ts';
import type { KernelPair } from './pair.ts';
import type { Sides, StepWatch } from './step-watch.ts';

/** The device that holds the set up. */
const HELD = 1;
/** Nobody waits so long: a hold ends when it is let go. The most that the module takes. */
const HOLD_MS = 100_000;

export interface Stage {
  readonly pair: KernelPair;
  readonly sides: Sides;
}

export interface Hold {
  readonly strategy: NonNullable<DeviceMigrationManifest['spec']['strategy']>;
  /** Before the manifest is there. */
  arm(stage: Stage): Promise<void>;
  /** Once it is recorded: whatever has to be done until the step is reached. */
  reach(stage: Stage, watch: StepWatch): Promise<void>;
  /** Lets the migration go on. */
  release(stage: Stage): Promise<void>;
}

const COPIED = { mode: 'StopCopy' } as const;
const LIVE = { mode: 'PreCopy', preCopyTimeout: '10m' } as const;

const held = ({ sides }: Stage, role: Role): OwnDevice => sides[role].own(HELD);
const front = ({ pair, sides }: Stage, role: Role): FaultProxy => {
  const found = pair.fronts.get(sides[role]);
  if (found === undefined) throw new Error(`${sides[role].name} is no node of this pair`);
  return found;
};

const stall = (stage: Stage, role: Role, state: string): Promise<void> =>
  held(stage, role).fault(`stall_ms ${state} ${HOLD_MS} 1`);
const stallStream = (stage: Stage): Promise<void> =>
  held(stage, 'source').fault(`stall_data_ms ${HOLD_MS} 1`);
const clear = (stage: Stage, role: Role): Promise<void> => held(stage, role).fault('none');

/** The stall is taken once what it holds up has begun. */
const taken = (stage: Stage, role: Role, watch: StepWatch): Promise<void> =>
  watch.until(
    `a device of the ${role} stands still`,
    async () => !(await held(stage, role).read('fault')).includes('stall'),
  );

const inStep = (watch: StepWatch, step: Step): Promise<void> =>
  watch.until(`step ${step}`, async () => (await watch.step()) === step);

/** A device of one side stands still on its way into a state, or with its stream. */
const byDevice = (
  step: Step,
  role: Role,
  strategy: Hold['strategy'],
  arm: (stage: Stage) => Promise<void>,
): Hold => ({
  strategy,
  arm,
  reach: async (stage, watch) => {
    await taken(stage, role, watch);
    await inStep(watch, step);
  },
  release: (stage) => clear(stage, role),
});

/**
 * The target is held on its way into a state that it enters on its way to Resuming as well, so the source waits before
 * its quiesce until the target loads.
 */
const byTarget = (state: string): Pick<Hold, 'strategy' | 'arm' | 'reach'> => ({
  strategy: COPIED,
  arm: (stage) => stall(stage, 'source', 'RunningP2P'),
  reach: async (stage, watch) => {
    await watch.until('the target loads', () => watch.session('target')?.phase === 'Loading');
    await taken(stage, 'source', watch);
    await stall(stage, 'target', state);
    await clear(stage, 'source');
    await taken(stage, 'target', watch);
  },
});

const verifies = byTarget('Stop');
const activates = byTarget('RunningP2P');

export const HOLDS: Readonly<Record<Step, Hold>> = {
  // The operator has raised the fence and does not reach the target.
  1: {
    strategy: COPIED,
    arm: async (stage) => front(stage, 'target').stall(),
    reach: (_, watch) => inStep(watch, 1),
    release: async (stage) => front(stage, 'target').free(),
  },
  // It has fenced both and does not reach the source.
  2: {
    strategy: COPIED,
    arm: async (stage) => front(stage, 'target').stall(),
    reach: async (stage, watch) => {
      await watch.until('the source is fenced', () => watch.session('source')?.phase === 'Fenced');
      front(stage, 'source').stall();
      front(stage, 'target').free();
      await inStep(watch, 2);
    },
    release: async (stage) => front(stage, 'source').free(),
  },
  3: byDevice(3, 'target', COPIED, (stage) => stall(stage, 'target', 'Resuming')),
  4: byDevice(4, 'source', LIVE, stallStream),
  5: byDevice(5, 'source', COPIED, (stage) => stall(stage, 'source', 'RunningP2P')),
  6: byDevice(6, 'source', COPIED, stallStream),
  7: {
    ...verifies,
    reach: async (stage, watch) => {
      await verifies.reach(stage, watch);
      await inStep(watch, 7);
    },
    release: (stage) => clear(stage, 'target'),
  },
  // Both have promised, and the operator has not heard of the target's promise.
  8: {
    ...verifies,
    reach: async (stage, watch) => {
      await verifies.reach(stage, watch);
      front(stage, 'target').stall();
      await clear(stage, 'target');
      await inStep(watch, 8);
    },
    release: async (stage) => front(stage, 'target').free(),
  },
  9: {
    ...activates,
    reach: async (stage, watch) => {
      await activates.reach(stage, watch);
      await inStep(watch, 9);
    },
    release: (stage) => clear(stage, 'target'),
  },
  10: {
    ...activates,
    reach: async (stage, watch) => {
      await activates.reach(stage, watch);
      await stall(stage, 'source', 'Stop');
      await clear(stage, 'target');
      await taken(stage, 'source', watch);
      await inStep(watch, 10);
    },
    release: (stage) => clear(stage, 'source'),
  },
};
