/** The part of the matrix that a run in CI affords. */
import { applies } from './allowed.ts';
import { CLUSTER_FAULTS } from './cluster/cluster-faults.ts';
import { FAULTS, type Fault } from './faults.ts';
import { randomFrom, shuffled } from './random.ts';
import type { Cell } from './run-cells.ts';
import { STEPS } from './steps.ts';

/** Ten seconds of silence, a minute until a socket is given up, or a rig of their own: one of each is enough for a sample. */
const DEAR = new Set<Fault>([
  ...(['leader-changed', 'stalled', 'corrupted', 'clock-jumped', 'arc-error'] as const),
  ...CLUSTER_FAULTS,
]);
const CELLS_A_FAULT = 3;

export const allCells = (): Cell[] =>
  FAULTS.flatMap((fault) => STEPS.filter((step) => applies(step, fault)).map((step) => ({ step, fault })));

/** Some steps of every fault, drawn from the seed, in the order of the matrix. */
export function sampleOf(seed: number): Cell[] {
  const random = randomFrom(seed);
  return FAULTS.flatMap((fault) => {
    const cells = allCells().filter((cell) => cell.fault === fault);
    const drawn = shuffled(cells, random).slice(0, DEAR.has(fault) ? 1 : CELLS_A_FAULT);
    return drawn.toSorted((a, b) => a.step - b.step);
  });
}
