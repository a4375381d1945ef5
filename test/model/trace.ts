import { happenings } from './moves.ts';
import { Living } from './living.ts';
import type { States } from './states.ts';
import type { Successors } from './successors.ts';
import type { Variant } from './variant.ts';
import { WIDTH } from './parts.ts';
import { initialWorld, type Fault, type World } from './world.ts';

/** One step of a trace, and the world after it. */
export interface TraceStep {
  readonly label: string;
  readonly fault: Fault | null;
  readonly world: World;
}

/**
 * The way from the beginning to world `id`, walked anew through the moves themselves: with the numbers and the
 * devices as they are, not as they were drawn together. `last`: from there on no fault could follow; null: nothing was
 * left out.
 */
export function retrace(
  id: number,
  states: States,
  { parts }: Successors,
  variant: Variant,
  last: number | null,
): TraceStep[] {
  const way: number[] = [];
  for (let at = id; at !== 0; at = states.parent(at)) way.unshift(at);
  const living = new Living(parts);
  const steps: TraceStep[] = [];
  let world = initialWorld();
  const wanted = new Uint32Array(WIDTH);
  for (const at of way) {
    states.read(at, wanted);
    const step = happenings(world, variant).find((happening) => {
      const tuple = parts.tuple(happening.world);
      parts.mirror(tuple);
      if (last !== null) living.prune(tuple, at >= last);
      parts.rename(tuple);
      return tuple.every((part, index) => part === wanted[index]);
    });
    if (step === undefined)
      throw new Error(`no move leads on behind: ${steps.at(-1)?.label ?? 'the beginning'}`);
    steps.push(step);
    world = step.world;
  }
  return steps;
}
