import type { Role } from '@transship/node-agent/core';
import type { Message, Operator, Record_, Side } from './world.ts';

/**
 * Fences, sequences and instances are only ever compared, so a world whose numbers are drawn together, in their
 * order, behaves as the one they come from. A fault that was survived then leads back to a world without it, and
 * repeats do not grow for ever. Every number that a part holds is named here, and renamed here.
 */
export interface Numbers {
  readonly fences: readonly number[];
  /** `[fence, sequence]` of what is for the source, and for the target. */
  readonly source: readonly (readonly [number, number])[];
  readonly target: readonly (readonly [number, number])[];
  readonly instances: readonly number[];
}

export const NO_NUMBERS: Numbers = { fences: [], source: [], target: [], instances: [] };

type Pairs = readonly (readonly [number, number])[];

const unique = (numbers: readonly number[]): number[] => [...new Set(numbers)].toSorted((a, b) => a - b);
const uniquePairs = (pairs: Pairs): (readonly [number, number])[] =>
  [...new Map(pairs.map((pair) => [pair.join(), pair])).values()].toSorted(
    (a, b) => a[0] - b[0] || a[1] - b[1],
  );

export const united = (a: Numbers, b: Numbers): Numbers => ({
  fences: unique([...a.fences, ...b.fences]),
  source: uniquePairs([...a.source, ...b.source]),
  target: uniquePairs([...a.target, ...b.target]),
  instances: unique([...a.instances, ...b.instances]),
});

const collected = (
  fences: readonly number[],
  source: Pairs,
  target: Pairs,
  instances: readonly number[],
): Numbers => united(NO_NUMBERS, { fences, source, target, instances });

export const numbersOfRecord = ({ fence, writes }: Record_): Numbers =>
  collected([fence, ...writes.map((write) => write.fence)], [], [], []);

export function numbersOfOperator({ memory, waiting, instance }: Operator): Numbers {
  const held = memory.held ?? 0;
  const pairs = (role: Role): Pairs => {
    const side = memory[role];
    const mine: (readonly [number, number])[] = [];
    if (waiting?.role === role) mine.push([waiting.fence, waiting.sequence]);
    if (side.kind === 'session' && side.refusal !== null) mine.push([held, side.session.sequence]);
    return mine;
  };
  const known = [memory.source, memory.target].map((side) =>
    side.kind === 'session' ? side.session.fence : 0,
  );
  const fences = waiting === null ? [held, ...known] : [held, waiting.fence, ...known];
  return collected(fences, pairs('source'), pairs('target'), [instance]);
}

export const numbersOfMessages = (messages: readonly Message[]): Numbers =>
  collected(
    messages.map(({ fence }) => fence),
    messages.flatMap(({ role, fence, sequence }) => (role === 'source' ? [[fence, sequence] as const] : [])),
    messages.flatMap(({ role, fence, sequence }) => (role === 'target' ? [[fence, sequence] as const] : [])),
    messages.map(({ instance }) => instance),
  );

export function numbersOfSide({ agent }: Side): Numbers {
  if (agent === null) return NO_NUMBERS;
  const { role, fence, sequence, operator } = agent.session;
  const pair: Pairs = [[fence, sequence]];
  return collected([fence], role === 'source' ? pair : [], role === 'target' ? pair : [], [
    Number(operator.slice(1)),
  ]);
}

/** New numbers for old ones. */
export interface Renaming {
  readonly fence: (old: number) => number;
  readonly sequence: (role: Role, fence: number, old: number) => number;
  readonly instance: (old: number) => number;
}

/** null: they are drawn together already. */
export function renamingOf(numbers: Numbers): Renaming | null {
  const fences = new Map(
    numbers.fences.filter((fence) => fence > 0).map((fence, index) => [fence, index + 1]),
  );
  const ranks = (pairs: Pairs): Map<string, number> => {
    const next = new Map<number, number>();
    return new Map(
      pairs.map(([fence, sequence]) => {
        const rank = (next.get(fence) ?? 0) + 1;
        next.set(fence, rank);
        return [`${fence}.${sequence}`, rank];
      }),
    );
  };
  const sequences = { source: ranks(numbers.source), target: ranks(numbers.target) };
  const instances = new Map<number, number>();
  for (const parity of [0, 1]) {
    const mine = numbers.instances.filter((instance) => instance % 2 === parity);
    mine.forEach((instance, index) => instances.set(instance, 2 * index + parity));
  }
  const moves =
    [...fences, ...instances].some(([old, now]) => old !== now) ||
    [...sequences.source, ...sequences.target].some(([old, now]) => Number(old.split('.')[1]) !== now);
  if (!moves) return null;
  return {
    fence: (old) => fences.get(old) ?? old,
    sequence: (role, fence, old) => sequences[role].get(`${fence}.${old}`) ?? old,
    instance: (old) => instances.get(old) ?? old,
  };
}

export const renamedRecord = (record: Record_, to: Renaming): Record_ => ({
  ...record,
  fence: to.fence(record.fence),
  writes: record.writes.map((write) => ({ ...write, fence: to.fence(write.fence) })),
});

export function renamedOperator(operator: Operator, to: Renaming): Operator {
  const { memory, waiting } = operator;
  const held = memory.held ?? 0;
  const side = (role: Role): Operator['memory'][Role] => {
    const known = memory[role];
    if (known.kind !== 'session') return known;
    const { fence, sequence } = known.session;
    const renamed = known.refusal === null ? sequence : to.sequence(role, held, sequence);
    return { ...known, session: { ...known.session, fence: to.fence(fence), sequence: renamed } };
  };
  return {
    ...operator,
    instance: to.instance(operator.instance),
    memory: {
      ...memory,
      held: memory.held === null ? null : to.fence(memory.held),
      source: side('source'),
      target: side('target'),
    },
    waiting:
      waiting === null
        ? null
        : {
            ...waiting,
            fence: to.fence(waiting.fence),
            sequence: to.sequence(waiting.role, waiting.fence, waiting.sequence),
          },
  };
}

export const renamedMessage = (message: Message, to: Renaming): Message => ({
  ...message,
  fence: to.fence(message.fence),
  sequence: to.sequence(message.role, message.fence, message.sequence),
  instance: to.instance(message.instance),
});

export function renamedSide(side: Side, to: Renaming): Side {
  const { agent } = side;
  if (agent === null) return side;
  const { role, fence, sequence, operator } = agent.session;
  const session = {
    ...agent.session,
    fence: to.fence(fence),
    sequence: to.sequence(role, fence, sequence),
    operator: `o${to.instance(Number(operator.slice(1)))}`,
  };
  return { ...side, agent: { ...agent, session } };
}
