import { moves } from '../../model/explore.ts';
import { production } from '../../model/operator-moves.ts';
import { initialWorld, type Budget, type World } from '../../model/world.ts';

/** Far above the length of a voyage without faults. */
const MAX_MOVES = 1_000;

/** Nothing ever goes wrong, whatever faults the model knows. */
const NO_FAULTS = new Proxy({} as Budget, { get: () => 0, ownKeys: () => [] });

/**
 * What the operator writes to the record (R) and orders of source (S) and target (T) on one way through the model
 * without faults, as `S prepare`, until the object has ended.
 */
export function voyageOfModel(): string[] {
  const voyage: string[] = [];
  let world: World = initialWorld(NO_FAULTS);
  for (let move = 0; move < MAX_MOVES && !world.api.ended; move += 1) {
    const next = moves(world, production()).at(-1);
    if (next === undefined) throw new Error(`nothing can happen after ${voyage.join(', ')}`);
    voyage.push(...noted(next.label));
    world = next.world;
  }
  return voyage;
}

function noted(label: string): string[] {
  const [, order, role = ''] = /^operator \d+: sends (\w+) to the (source|target)\b/u.exec(label) ?? [];
  if (order !== undefined) return [`${role.charAt(0).toUpperCase()} ${order}`];
  const [, written] = /^operator \d+: (?:records|raises) (?:the )?(\w+)/u.exec(label) ?? [];
  return written === undefined ? [] : [`R ${written}`];
}
