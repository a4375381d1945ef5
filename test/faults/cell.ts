/** Runs one cell of the matrix: one migration, held in one step, with one fault. */
import { clusterFaults } from './cluster/inject-cluster.ts';
import type { Evidence } from './evidence.ts';
import type { Fault } from './faults.ts';
import { digestsOf, gather, leftovers, type Descriptors } from './gather.ts';
import { clear, HELD, HOLDS } from './holds.ts';
import { deviceFaults } from './inject-device.ts';
import { networkFaults } from './inject-network.ts';
import { processFaults } from './inject-process.ts';
import type { Injection, Proof, Scene } from './injection.ts';
import { BothRan } from './rig/both-ran.ts';
import type { FaultRig } from './rig/fault-rig.ts';
import { Watch } from './rig/watch.ts';
import type { Step } from './steps.ts';

export const INJECTIONS: Readonly<Record<Fault, Injection>> = {
  ...processFaults,
  ...networkFaults,
  ...deviceFaults,
  ...clusterFaults,
};

const TOMBSTONES = new Set(['RolledBack', 'Released', 'Active', 'Discarded', 'Fenced']);

/** @throws when the step is not reached, the fault does not strike, or the migration hangs. */
export async function runCell(
  rig: FaultRig,
  name: string,
  { step, fault }: { readonly step: Step; readonly fault: Fault },
  idle: readonly Descriptors[],
): Promise<Evidence> {
  const hold = HOLDS[step];
  const injection = INJECTIONS[fault];
  const when = injection.when(step);
  await injection.ready?.(rig);
  if (when === 'armed') await injection.arm?.(rig, step);
  const isLate = when === 'armed' && (step === 7 || step === 9);
  if (when !== 'armed') await hold.arm(rig);
  else if (isLate) await rig.source.control.fault(HELD, 'pri');
  await using both = new BothRan(rig);
  await rig.apply(name, hold.strategy);
  await using watch = await Watch.of(rig, name);
  const scene: Scene = { rig, watch, step };
  let proof: Proof;
  let stopped: readonly string[] | null = null;
  let heldAt: number | null = null;
  if (when === 'armed') {
    if (isLate) await onceLoading(scene, injection);
    proof = await injection.prove(scene);
  } else {
    await hold.reach(rig, watch);
    heldAt = performance.now();
    await injection.armLater?.(scene);
    // From step 7 on the source has stopped; what it has must arrive, and dies with its server.
    if (step >= 7 && fault === 'source-died') stopped = await digestsOf(rig.source);
    await injection.strike(scene);
    if (when === 'held') {
      proof = await injection.prove(scene);
      await hold.release(rig);
    } else {
      await hold.release(rig);
      proof = await injection.prove(scene);
    }
  }
  await injection.lift(scene);
  // Lifting comes after letting go, always: only then is what was killed there again, and what stood still goes on.
  const keptMs = heldAt === null ? 0 : performance.now() - heldAt;
  // Awaited here: the watch must not end before.
  return await conclude(scene, both, { proof, keptMs, stopped }, idle);
}

/** The arc occurs before, too: it is meant once the target loads, for which the source has waited. */
async function onceLoading(scene: Scene, injection: Injection): Promise<void> {
  const { rig, watch } = scene;
  await watch.until('the target loads', () => watch.session('target')?.phase === 'Loading');
  await injection.armLater?.(scene);
  await clear(rig.source, HELD);
}

/** Waits for the end and takes down everything about it. */
export async function conclude(
  { rig, watch }: Pick<Scene, 'rig' | 'watch'>,
  both: BothRan,
  { stopped, ...facts }: Pick<Evidence, 'proof' | 'keptMs'> & { readonly stopped: readonly string[] | null },
  idle: readonly Descriptors[],
): Promise<Evidence> {
  const settled = await endOrStall(rig, watch).then(
    () => true,
    () => false,
  );
  const evidence = await gather(rig, watch, { ...facts, settled, bothRan: both.found }, stopped);
  await rig.remove(watch.name);
  const mayStay = evidence.phase !== 'Succeeded' && evidence.conditions.includes('Stalled');
  const left = await leftovers(rig, watch, idle, mayStay);
  return { ...evidence, leftovers: left };
}

/** The migration has ended and its agents have let go of it, or it says that only a person can help. */
async function endOrStall(rig: FaultRig, watch: Watch): Promise<void> {
  await watch.until('the end', async () => {
    const { status } = await watch.record();
    const stalled = status.conditions.some(({ type, status: is }) => type === 'Stalled' && is === 'True');
    const end = await rig.endOf(watch);
    if (end === null) return stalled;
    if (end === 'Failed' && status.error?.code !== undefined && stalled) return true;
    return (['source', 'target'] as const).every((role) =>
      TOMBSTONES.has(watch.session(role)?.phase ?? 'Fenced'),
    );
  });
}
