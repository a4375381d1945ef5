import { happenings } from '../../model/moves.ts';
import { production } from '../../model/variant.ts';
import { initialWorld } from '../../model/world.ts';

/** Far above the length of a voyage without faults. */
const MAX_MOVES = 1_000;

/**
 * What the operator writes to the record (R) and orders of source (S) and target (T) on one way through the model
 * without faults, as `S prepare`, until the object has ended.
 */
export function voyageOfModel(): string[] {
  const voyage: string[] = [];
  let world = initialWorld();
  const been = new Set<string>();
  for (let move = 0; move < MAX_MOVES && !world.record.ended; move += 1) {
    been.add(JSON.stringify(world));
    const next = happenings(world, production()).findLast(
      ({ fault, world: to }) => fault === null && !been.has(JSON.stringify(to)),
    );
    if (next === undefined) throw new Error(`nothing can happen after ${voyage.join(', ')}`);
    voyage.push(...noted(next.label));
    world = next.world;
  }
  return voyage;
}

function noted(label: string): string[] {
  const [, order, role = ''] = /^operator \d+ sends (\w+).* to the (source|target)$/u.exec(label) ?? [];
  if (order !== undefined) return [`${role.charAt(0).toUpperCase()} ${order}`];
  const [, written] =
    /^operator \d+ (?:raises|records) (?:the end: |that the set is being |the )?(\w+)/u.exec(label) ?? [];
  return written === undefined ? [] : [`R ${written}`];
}
