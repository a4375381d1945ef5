import type { Random } from '../faults/random.ts';
import type { FaultRig } from '../faults/rig/fault-rig.ts';
import { eventually } from '../support/managed-process.ts';
import type { Strategy } from '@transship/crds';
import { checkDigests, checkPlaces } from './checks.ts';
import type { SoakFault } from './faults.ts';

/** Far beyond the longest fault and the patience of the product, on a machine with other work. */
const PATIENCE_MS = 300_000;
const PATIENT = { quiesceTimeout: '5m', preCopyTimeout: '5m' } as const;

export interface VoyageResult {
  readonly phase: string;
  /** The fault met the voyage. */
  readonly struck: boolean;
  /** What is not as it must be; empty: nothing. */
  readonly wrong: readonly string[];
}

const modeFrom = (random: Random): Strategy['mode'] => random.pick(['PreCopy', 'StopCopy']);

/** Moves the set to the other node under a fault. It arrives, or stays as if nothing had been; then it is looked at. */
export async function voyage(
  rig: FaultRig,
  name: string,
  { arm, strike }: SoakFault,
  random: Random,
): Promise<VoyageResult> {
  const { source, target } = rig;
  await arm(rig);
  await rig.apply(name, { ...PATIENT, mode: modeFrom(random) });
  // The record of one that is deleted goes with its last words.
  let last = 'nothing';
  const end = eventually(`${name} ends`, PATIENCE_MS, async () => {
    const isApplied = await rig.isApplied(name);
    const record = await rig.record(name);
    // It may also have gone between two looks.
    if (record === null && (last !== 'nothing' || !isApplied)) return last;
    last = record?.status.phase ?? last;
    return record?.status.completedAt === undefined ? null : record.status.phase;
  });
  const [phase, struck] = await Promise.all([end, strike(rig, name)]);
  await rig.remove(name);
  await eventually(`the record of ${name} goes`, PATIENCE_MS, async () =>
    (await rig.record(name)) === null ? true : null,
  );
  const hasMoved = (await source.control.workload()).phase === 'Ended';
  if (hasMoved) rig.turnRound();
  const wrong = hasMoved
    ? [...(await checkPlaces(target, source)), ...(await checkDigests(source, target))]
    : await checkPlaces(source, target);
  if (phase === 'Succeeded' && !hasMoved) wrong.push('it succeeded, and the set is where it was');
  return { phase, struck, wrong: wrong.map((one) => `${name}: ${one}`) };
}
