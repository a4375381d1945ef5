/** Faults of devices, and of the disks that journals are on. */
import { eventually } from '../support/managed-process.ts';
import { ARC, clear, QUIET } from './holds.ts';
import type { Injection, Proof, Scene } from './injection.ts';
import { journalLines, phasesOf } from './logs.ts';
import type { FaultNode } from './rig/fault-node.ts';
import type { FaultRig } from './rig/fault-rig.ts';
import type { Step } from './steps.ts';

const PATIENCE_MS = 120_000;
/** The device that is faulty; device 0 is the one that may be held. */
const FAULTY = 1;

/** The arc of each step: who is ordered, where to, and the phase in which it is. */
interface StepArc {
  readonly role: 'source' | 'target';
  readonly to: number;
  readonly phase: string;
  /** The same arc occurs before too: it is armed only when the target loads. */
  readonly later?: true;
}

const ARCS: Partial<Readonly<Record<Step, StepArc>>> = {
  3: { role: 'target', to: ARC.resuming, phase: 'Preparing' },
  4: { role: 'source', to: ARC.preCopy, phase: 'PreCopying' },
  5: { role: 'source', to: QUIET.preCopy, phase: 'Quiescing' },
  6: { role: 'source', to: ARC.stopCopy, phase: 'Stopping' },
  7: { role: 'target', to: ARC.stop, phase: 'Verifying', later: true },
  9: { role: 'target', to: QUIET.running, phase: 'Activating', later: true },
  10: { role: 'source', to: ARC.stop, phase: 'Releasing' },
};

type FaultOf = (
  step: Step,
  rig: FaultRig,
) => { node: FaultNode; kind: string; args: Record<string, string | number> };

const used = async ({ control }: FaultNode): Promise<number> =>
  (await control.devices())[FAULTY]?.faultsUsed ?? 0;

/** Struck in the step when the emulator has used it and the agent's log has the phase that the arc belongs to. */
function onDevice(
  faultOf: FaultOf,
  phaseOf: (step: Step) => { role: 'source' | 'target'; phase: string } | null,
  later: (step: Step) => boolean,
): Injection {
  const before = new WeakMap<FaultNode, number>();
  const set = async (rig: FaultRig, step: Step): Promise<void> => {
    const { node, kind, args } = faultOf(step, rig);
    before.set(node, await used(node));
    await node.control.fault(FAULTY, kind, args);
  };
  return {
    when: () => 'armed',
    arm: async (rig, step) => {
      if (!later(step)) await set(rig, step);
    },
    armLater: async ({ rig, step }) => {
      if (later(step)) await set(rig, step);
    },
    strike: () => Promise.resolve(),
    prove: async ({ rig, watch, step }) => {
      const { node, kind } = faultOf(step, rig);
      const times = await eventually(`${kind} is used`, PATIENCE_MS, async () => {
        const now = (await used(node)) - (before.get(node) ?? 0);
        return now > 0 ? now : null;
      });
      const where = phaseOf(step);
      const seen = where === null ? [] : await phasesOf(rig[where.role], watch.uid);
      const inStep = where === null ? (await watch.step()) === step : seen.includes(where.phase);
      const evidence = `emulator: ${kind} used ${times} times; phases of the agent: ${seen.join(', ')}`;
      return { step: inStep ? step : await watch.step(), evidence };
    },
    lift: ({ rig, step }) => clear(faultOf(step, rig).node, FAULTY),
  };
}

const arcOf = (step: Step): StepArc => {
  const arc = ARCS[step];
  if (arc === undefined) throw new RangeError(`step ${step} orders no arc`);
  return arc;
};

const onArc = (kind: string, args: Record<string, string | number>): Injection =>
  onDevice(
    (step, rig) => ({ node: rig[arcOf(step).role], kind, args: { to: arcOf(step).to, count: 1, ...args } }),
    arcOf,
    (step) => arcOf(step).later === true,
  );

/** RESET of step 3 and 10 comes by itself; in between, that of giving up, which deleting the migration brings about. */
function onReset(kind: 'fail-reset' | 'ignore-reset'): Injection {
  const node = (rig: FaultRig, step: Step): FaultNode => (step === 10 ? rig.source : rig.target);
  const armed = onDevice(
    (step, rig) => ({ node: node(rig, step), kind, args: {} }),
    (step) => ({
      role: step === 10 ? 'source' : 'target',
      phase: step === 10 ? 'Releasing' : step === 3 ? 'Preparing' : 'Discarding',
    }),
    (step) => step !== 3 && step !== 10,
  );
  const steps = new WeakMap<Scene, Step | null>();
  return {
    ...armed,
    when: (step) => (step === 3 || step === 10 ? 'armed' : 'released'),
    strike: async (scene) => {
      const { rig, watch } = scene;
      steps.set(scene, await watch.step());
      await rig.remove(watch.name);
      await eventually('the deletion is recorded', PATIENCE_MS, async () => {
        const { metadata } = await watch.record();
        return metadata.deletionTimestamp ?? null;
      });
    },
    prove: async (scene) => {
      const proof = await armed.prove?.(scene);
      // The step is that in which the migration was given up.
      return { evidence: proof?.evidence ?? null, step: steps.get(scene) ?? proof?.step ?? null };
    },
  };
}

/** The journal's file system is full until the agent has said that it cannot write. */
function diskFull(of: (rig: FaultRig) => FaultNode): Injection {
  const before = new WeakMap<Scene, number>();
  const refused = async (scene: Scene): Promise<number> =>
    (await journalLines(of(scene.rig), scene.watch.uid)).length;
  return {
    when: () => 'released',
    strike: async (scene) => {
      before.set(scene, await refused(scene));
      await of(scene.rig).disk.fill();
    },
    prove: async (scene): Promise<Proof> => {
      const lines = await eventually('the journal cannot be written', PATIENCE_MS, async () => {
        const found = await journalLines(of(scene.rig), scene.watch.uid);
        return found.length > (before.get(scene) ?? 0) ? found : null;
      });
      return { step: await scene.watch.step(), evidence: lines.at(-1) ?? null };
    },
    lift: ({ rig }) => of(rig).disk.free(),
  };
}

export const deviceFaults = {
  'arc-refused': onArc('refuse-arc', { errno: 'EBUSY' }),
  'arc-error': onArc('error-on-arc', { errno: 'EIO' }),
  'arc-stalled': onArc('stall-arc', { ms: 1_500 }),
  'stream-corrupted': onDevice(
    (_, { source }) => ({ node: source, kind: 'corrupt-stream', args: { segment: 1 } }),
    (step) => ({ role: 'source', phase: step === 4 ? 'PreCopy' : 'Stopping' }),
    () => false,
  ),
  'reset-failed': onReset('fail-reset'),
  'reset-ignored': onReset('ignore-reset'),
  'source-disk-full': diskFull(({ source }) => source),
  'target-disk-full': diskFull(({ target }) => target),
} as const satisfies Readonly<Record<string, Injection>>;
