import { deliver, takeReply } from './agent-moves.ts';
import { nextSequence } from './network.ts';
import { described, hears, operatorMoves } from './operator-moves.ts';
import { recordMoves } from './record-moves.ts';
import { sideMoves } from './side-moves.ts';
import { staleNews, streamMoves } from './stream-moves.ts';
import type { Variant } from './variant.ts';
import { unattended, type Fault, type Message, type Move, type World } from './world.ts';

/** One thing that can happen in a world, and the world after it. */
export interface Happening {
  readonly label: string;
  readonly fault: Fault | null;
  readonly world: World;
}

/**
 * Everything that can happen next, one world at a time: what a trace is told from. `Space` finds the same moves
 * without working anything out twice; a trace is walked here, so that the two are compared at every step of it.
 */
export function happenings(world: World, variant: Variant): Happening[] {
  const { record, operators, network, source, target } = world;
  const next: Happening[] = [];
  const take = (move: Move, index: 0 | 1 = 0): number => next.push(carriedOut(world, move, index));
  for (const index of [0, 1] as const) {
    const operator = operators[index];
    for (const move of operatorMoves(record, operator, index, variant)) take(move, index);
    for (const role of ['source', 'target'] as const) {
      const heard = record.vanished ? null : hears(operator, index, role, world[role]);
      if (heard !== null) take(heard, index);
    }
  }
  network.forEach((message, index) => {
    const left = network.toSpliced(index, 1);
    const label = `${nameOf(message)} reaches the ${message.role}`;
    next.push({ label, fault: null, world: delivered({ ...world, network: left }, message, variant) });
    const twice = delivered(world, message, variant);
    next.push({ label: `${label}, and a copy of it stays under way`, fault: 'duplicate', world: twice });
  });
  for (const move of recordMoves(record)) take(move);
  for (const role of ['source', 'target'] as const) {
    for (const move of [...sideMoves(role, world[role], variant), ...staleNews(role, world[role], variant)]) {
      // Where nobody looks after the migration any more, silence is no fault.
      const free = move.fault === 'operatorLost' && unattended(record);
      take(free ? { ...move, fault: null } : move);
    }
  }
  for (const move of streamMoves(source, target, variant)) take(move);
  return next;
}

export const nameOf = ({ command, fence, sequence }: Message): string =>
  `${described(command)} with fence ${fence}, sequence ${sequence},`;

function delivered(world: World, message: Message, variant: Variant): World {
  const { side, reply } = deliver(message, world[message.role], variant);
  const operator = takeReply(world.operators[message.operator], message, reply);
  return {
    ...world,
    [message.role]: side,
    operators: world.operators.with(message.operator, operator) as never,
  };
}

function carriedOut(world: World, { label, fault, to, send }: Move, index: 0 | 1): Happening {
  const { operator: changed, ...parts } = to;
  let operator = changed ?? world.operators[index];
  let { network } = world;
  if (send !== undefined && operator.waiting !== null) {
    const sequence = nextSequence(send.role, send.fence, network, world[send.role].agent);
    operator = { ...operator, waiting: { ...operator.waiting, sequence } };
    network = [...network, { ...send, sequence }];
  }
  const operators = world.operators.with(index, operator) as unknown as World['operators'];
  return { label, fault, world: { ...world, ...parts, operators, network } };
}
