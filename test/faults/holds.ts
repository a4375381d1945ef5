/** Brings a migration into a step and keeps it there until it is let go. */
import type { DeviceMigrationManifest } from '@transship/crds';
import type { FaultNode } from './rig/fault-node.ts';
import type { FaultRig } from './rig/fault-rig.ts';
import type { Watch } from './rig/watch.ts';
import type { Step } from './steps.ts';

/** The device that holds the set up; the others are free to be faulty. */
export const HELD = 0;

/** Longer than any cell with all its waits; a hold ends when it is let go, and a cell that fails ends its rig. */
const HOLD_MS = 600_000;
/** Of a connection that holds a stream up, bytes a second. */
const HELD_RATE = 24_000;
/** How much longer each access of the device takes whose answer preflight waits for, ms. */
const PREFLIGHT_DELAY_MS = 1_000;

/** v1 device states by the nibble that is written. */
export const ARC = { stop: 0x0, running: 0x1, stopCopy: 0x2, preCopy: 0x3, resuming: 0x4 } as const;
export const QUIET = { running: 0x9, preCopy: 0xb } as const;

export type Strategy = NonNullable<DeviceMigrationManifest['spec']['strategy']>;

export interface Hold {
  /** How the set is to be moved so that the step can be held. */
  readonly strategy: Strategy;
  /** Before the manifest is there. */
  arm(rig: FaultRig): Promise<void>;
  /** Once it is there: whatever has to be done until the step is reached. */
  reach(rig: FaultRig, watch: Watch): Promise<void>;
  /** Lets the migration go on. */
  release(rig: FaultRig): Promise<void>;
}

const PATIENT = { quiesceTimeout: '5m', preCopyTimeout: '5m' } as const;
const LIVE: Strategy = { ...PATIENT, mode: 'PreCopy' };
const STOPPED: Strategy = { ...PATIENT, mode: 'StopCopy' };

const stall = ({ control }: FaultNode, to: number): Promise<void> =>
  control.fault(HELD, 'stall-arc', { to, ms: HOLD_MS, count: 1 });
const pri = ({ control }: FaultNode): Promise<void> => control.fault(HELD, 'pri');
/** A server that has died holds nothing up. */
export const clear = ({ control }: FaultNode, device: number): Promise<void> =>
  control.clear(device).catch(() => undefined);

const targetLoads = (watch: Watch): Promise<void> =>
  watch.until('the target loads', () => watch.session('target')?.phase === 'Loading');

const stillStreams = (watch: Watch): boolean =>
  (watch.session('target')?.streams ?? []).some(({ totals }) => totals.bytes > 0);

const in_ = (watch: Watch, step: Step): Promise<void> =>
  watch.until(`step ${step}`, async () => (await watch.step()) === step);

/** The target is held where it leaves Resuming; the source where it becomes quiet, until the target loads. */
const heldVerify = {
  strategy: STOPPED,
  arm: ({ source }: FaultRig) => pri(source),
  reach: async ({ source, target }: FaultRig, watch: Watch): Promise<void> => {
    await targetLoads(watch);
    await stall(target, ARC.stop);
    await clear(source, HELD);
    await watch.until('the target verifies', () => watch.session('target')?.phase === 'Verifying');
    await in_(watch, 7);
  },
};

export const HOLDS: Readonly<Record<Step, Hold>> = {
  // The operator has raised the fence and does not reach the target.
  1: {
    strategy: LIVE,
    arm: async ({ target }) => target.front.stall(),
    reach: (_, watch) =>
      watch.until('step 1', async () => watch.session('source') !== null && (await watch.step()) === 1),
    // A fault that waits for traffic meets what was held.
    release: async ({ target }) => target.front.resume(),
  },
  // A device of the source takes its time to say in which state it is.
  2: {
    strategy: LIVE,
    arm: ({ source }) => source.control.fault(HELD, 'delay', { ms: PREFLIGHT_DELAY_MS }),
    reach: (_, watch) => in_(watch, 2),
    release: ({ source }) => clear(source, HELD),
  },
  // A device of the target takes its time to enter Resuming.
  3: {
    strategy: STOPPED,
    arm: ({ target }) => stall(target, ARC.resuming),
    reach: async (_, watch) => {
      await watch.until('the target prepares', () => watch.session('target')?.phase === 'Preparing');
      await in_(watch, 3);
    },
    release: ({ target }) => clear(target, HELD),
  },
  // The stream is slow.
  4: {
    strategy: LIVE,
    arm: async ({ source }) => source.transfer.slow(HELD_RATE),
    reach: async (_, watch) => {
      await watch.until('data flows', () => stillStreams(watch));
      await in_(watch, 4);
    },
    release: async ({ source }) => source.transfer.free(),
  },
  // A device becomes quiet only while its workload runs, which is frozen.
  5: {
    strategy: LIVE,
    arm: ({ source }) => pri(source),
    reach: (_, watch) => in_(watch, 5),
    release: ({ source }) => clear(source, HELD),
  },
  // The stream of the stopped source is slow.
  6: {
    strategy: STOPPED,
    arm: async ({ source }) => source.transfer.slow(HELD_RATE),
    reach: async (_, watch) => {
      await watch.until('data flows', () => stillStreams(watch));
      await in_(watch, 6);
    },
    release: async ({ source }) => source.transfer.free(),
  },
  7: { ...heldVerify, release: ({ target }) => clear(target, HELD) },
  // Both have promised, and the operator has not heard of the target's promise.
  8: {
    ...heldVerify,
    reach: async (rig, watch) => {
      await heldVerify.reach(rig, watch);
      rig.target.front.stall();
      await clear(rig.target, HELD);
      await in_(watch, 8);
    },
    release: async ({ target }) => target.front.resume(),
  },
  // A device of the target becomes quiet only while its workload runs, which has not been thawed yet.
  9: {
    strategy: STOPPED,
    arm: ({ source }) => pri(source),
    reach: async ({ source, target }, watch) => {
      await targetLoads(watch);
      await pri(target);
      await clear(source, HELD);
      await watch.until('activation', () => watch.session('target')?.phase === 'Activating');
      await in_(watch, 9);
    },
    release: ({ target }) => clear(target, HELD),
  },
  // A device of the source takes its time to stop for good.
  10: {
    strategy: LIVE,
    arm: ({ source }) => stall(source, ARC.stop),
    reach: async (_, watch) => {
      await watch.until('release', () => watch.session('source')?.phase === 'Releasing');
      await in_(watch, 10);
    },
    release: ({ source }) => clear(source, HELD),
  },
};
