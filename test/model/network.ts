import type { AgentState, Role } from '@transship/node-agent/core';
import { awaits } from './agent-moves.ts';
import type { Message, Operator, Side } from './world.ts';

/** The order does not matter: the network delivers in any. */
export const sorted = (messages: readonly Message[]): Message[] =>
  messages
    .map((message) => ({ message, text: JSON.stringify(message) }))
    .toSorted((a, b) => (a.text < b.text ? -1 : a.text > b.text ? 1 : 0))
    .map(({ message }) => message);

/**
 * The sequence for the next command to a side under a fence: above everything that is out or was accepted. Production
 * counts one sequence for both sides; only the order of those for one side is ever looked at.
 */
export function nextSequence(
  role: Role,
  fence: number,
  messages: readonly Message[],
  agent: AgentState | null,
): number {
  const used = messages.filter((message) => message.role === role && message.fence === fence);
  const accepted = agent?.session.fence === fence ? agent.session.sequence : 0;
  return Math.max(accepted, ...used.map(({ sequence }) => sequence)) + 1;
}

/**
 * Messages that can still do something, once no fault can take an agent's journal away any more: an agent answers a
 * lower or an equal pair without acting, and nobody waits for this answer.
 */
export const alive = (
  messages: readonly Message[],
  sides: Readonly<Record<Role, Pick<Side, 'agent'>>>,
  operators: readonly [Operator, Operator],
): Message[] =>
  messages.filter((message) => {
    const session = sides[message.role].agent?.session;
    if (session === undefined || awaits(operators[message.operator], message)) return true;
    if (message.fence !== session.fence) return message.fence > session.fence;
    return message.sequence > session.sequence;
  });
