/** The part of the matrix that a run in CI affords. */
import { applies } from './allowed.ts';
import { FAULTS, type Fault } from './faults.ts';
import { randomFrom, shuffled } from './random.ts';
import type { Cell } from './run-cells.ts';
import { STEPS } from './steps.ts';

/** Cells that are known to be red, with what is wrong; a run names them, and the full matrix runs them. */
export const KNOWN_RED: readonly (Cell & { readonly why: string })[] = [];

/** Ten seconds of silence, or a rig of their own: one of each is enough for a sample. */
const DEAR: ReadonlySet<Fault> = new Set<Fault>(['leader-changed', 'stalled', 'clock-jumped', 'arc-error']);
const CELLS_A_FAULT = 3;

export const allCells = (): Cell[] =>
  FAULTS.flatMap((fault) => STEPS.filter((step) => applies(step, fault)).map((step) => ({ step, fault })));

const isKnownRed = ({ step, fault }: Cell): boolean =>
  KNOWN_RED.some((one) => one.step === step && one.fault === fault);

/** Some steps of every fault, drawn from the seed, in the order of the matrix. */
export function sampleOf(seed: number): Cell[] {
  const random = randomFrom(seed);
  return FAULTS.flatMap((fault) => {
    const cells = allCells().filter((cell) => cell.fault === fault && !isKnownRed(cell));
    const drawn = shuffled(cells, random).slice(0, DEAR.has(fault) ? 1 : CELLS_A_FAULT);
    return drawn.toSorted((a, b) => a.step - b.step);
  });
}
