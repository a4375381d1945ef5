import type { Message, Operator, Side } from './world.ts';

/**
 * The two operators run the same code and are told apart by nothing but their place, the Lease and the parity of their
 * instances. So a world in which they are exchanged behaves as the one it comes from, and only those in which operator 0
 * holds the Lease are kept. One that took over from an operator that is out of the way is then one that was restarted.
 */
const other = (instance: number): number => instance ^ 1;

export const mirroredOperator = (operator: Operator): Operator => ({
  ...operator,
  instance: other(operator.instance),
});

export const mirroredMessage = (message: Message): Message => ({
  ...message,
  operator: message.operator === 0 ? 1 : 0,
  instance: other(message.instance),
});

export function mirroredSide(side: Side): Side {
  const { agent } = side;
  if (agent === null) return side;
  const operator = `o${other(Number(agent.session.operator.slice(1)))}`;
  return { ...side, agent: { ...agent, session: { ...agent.session, operator } } };
}
