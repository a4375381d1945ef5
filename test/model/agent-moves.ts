import {
  step,
  view,
  type AgentEvent,
  type Failure,
  type Observation,
  type Role,
} from '@transship/node-agent/core';
import { failure as operatorFailure, replied, unanswered } from '@transship/operator/core';
import { normalSide, seen } from './normal.ts';
import { DEVICES, OTHER_UID, UID, type Message, type Operator, type Side } from './world.ts';
import type { Variant } from './variant.ts';

export const incarnation = (n: number): string => String(n);
export const SILENT = operatorFailure('AgentUnreachable', '');
export const failure = (code: string): Failure => ({ code, message: code, device: null });

/** Names the session that the agent has, or would begin: another one than before the journal was lost. */
export const ticketOf = ({ journalLost }: Pick<Side, 'journalLost'>): string => (journalLost ? 'u' : 't');

/** What the runner reads from devices and workload just before a command, or after a restart. */
export function observe(side: Side, role: Role): Observation {
  return {
    devices: side.devices.map((device, index) => ({
      id: DEVICES[role][index] ?? '',
      state: device.silent ? 'Unknown' : device.state,
      incarnation: incarnation(device.incarnation),
      protocol: 'v1',
      p2p: true,
      preCopy: true,
      resetSupported: true,
      unfit: null,
      externals: '',
      boundBy: device.other ? OTHER_UID : null,
      quarantined: device.withheld || (side.agent?.session.devices[index]?.quarantined ?? false),
    })),
    workload: side.workload,
    workloadDevices: [],
    ticket: ticketOf(side),
  };
}

/** Runs one event through the production transition; effects without a device happen at once. */
export function agentStep(
  side: Side,
  event: AgentEvent,
  variant: Variant,
): { side: Side; refusal: Failure | null } {
  const result = variant.step(side.agent, event);
  let next: Side = { ...side, agent: result.state };
  for (const effect of result.effects) next = { ...next, ...immediately(effect) };
  return { side: next, refusal: result.refusal };
}

function immediately(effect: ReturnType<typeof step>['effects'][number]): Partial<Side> {
  switch (effect.kind) {
    case 'armQuiesceDeadline':
      return { quiesceArmed: true };
    case 'disarmQuiesceDeadline':
      return { quiesceArmed: false };
    case 'startLoading':
      // A workload that is told to expect a state stands still, and has none of its own any more.
      return { arrived: null, workload: 'frozen', whole: false };
    default:
      // Arcs, resets and the workload's operations take time: other moves finish them.
      return {};
  }
}

/** How an agent answers, as an operator takes it in. */
export interface Reply {
  readonly session: ReturnType<typeof view> | null;
  readonly refusal: Failure | null;
}

/** A message reaches its agent. */
export function deliver(message: Message, side: Side, variant: Variant): { side: Side; reply: Reply } {
  const { role, fence, sequence, instance, ticket, command } = message;
  const header = { uid: UID, fence, sequence, operator: `o${instance}`, ticket };
  const event: AgentEvent = { kind: 'command', header, role, command, observed: observe(side, role) };
  const done = agentStep(side, event, variant);
  const { agent } = normalSide(done.side);
  return { side: done.side, reply: { session: agent === null ? null : view(agent), refusal: done.refusal } };
}

/** The answer reaches the operator if it still waits for it. */
export function takeReply(operator: Operator, message: Message, { session, refusal }: Reply): Operator {
  const { waiting } = operator;
  if (waiting === null || !awaits(operator, message)) return operator;
  // An agent that knows less than this fence has not taken the command in: nothing is concluded from it.
  if (session === null || session.fence < message.fence)
    return { ...operator, memory: unanswered(operator.memory, message.role, SILENT), waiting: null };
  const refused = refusal === null ? null : JSON.stringify([message.role, message.ticket, message.command]);
  return {
    ...operator,
    memory: seen(replied(operator.memory, message.role, session, refusal)),
    waiting: null,
    refused,
  };
}

export const awaits = ({ waiting, instance }: Operator, message: Message): boolean =>
  instance === message.instance &&
  waiting?.role === message.role &&
  waiting.fence === message.fence &&
  waiting.sequence === message.sequence;
