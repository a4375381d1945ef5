/** A seeded source of numbers: the same seed gives the same schedule on every machine. */
export interface Random {
  /** From [0, 1). */
  next(): number;
  /** From 0 to `below` - 1. */
  index(below: number): number;
  /** One of the list. @throws RangeError when it is empty. */
  pick<T>(list: readonly T[]): T;
}

/**
 * Mulberry32: a counter that advances by an odd constant, mixed by two rounds of multiply and shift. 32 bits of state,
 * every seed has the full period; more than enough to draw schedules, and no use for secrets.
 * @param seed any whole number; its low 32 bits count
 */
export function randomFrom(seed: number): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const index = (below: number): number => Math.floor(next() * below);
  return {
    next,
    index,
    pick: <T>(list: readonly T[]): T => {
      if (list.length === 0) throw new RangeError('nothing to pick from');
      return list[index(list.length)] as T;
    },
  };
}

/** The same elements in another order. */
export function shuffled<T>(list: readonly T[], random: Random): T[] {
  const left = [...list];
  const drawn: T[] = [];
  while (left.length > 0) drawn.push(...left.splice(random.index(left.length), 1));
  return drawn;
}
