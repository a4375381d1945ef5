import type { AgentState, Role } from '@transship/node-agent/core';
import { awaits, ticketOf } from './agent-moves.ts';
import type { Message, Operator } from './world.ts';

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

/** What an agent has accepted, and whether its journal is another one than at the beginning. */
interface Accepting {
  readonly accepted: { readonly fence: number; readonly sequence: number } | null;
  readonly journalLost: boolean;
}

/**
 * Messages that can still do something, now or after a fault (`last`: none follows). An agent answers a lower or an equal
 * pair without acting, and one for a session that its journal does not know; what was accepted only grows. An agent
 * that loses its journal once more accepts `attach` from anybody, and nothing else.
 */
export const alive = (
  messages: readonly Message[],
  sides: Readonly<Record<Role, Accepting>>,
  operators: readonly [Operator, Operator],
  last: boolean,
): Message[] =>
  messages.filter((message) => {
    if (awaits(operators[message.operator], message)) return true;
    const { accepted, journalLost } = sides[message.role];
    if (message.command.kind === 'attach') {
      if (accepted === null || !(last || journalLost)) return true;
    } else if (accepted === null || message.ticket !== ticketOf({ journalLost })) return false;
    if (message.fence !== accepted.fence) return message.fence > accepted.fence;
    return message.sequence > accepted.sequence;
  });
