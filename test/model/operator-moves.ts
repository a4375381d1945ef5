import { view, type Role } from '@transship/node-agent/core';
import { unknownSession } from '@transship/node-agent/internal/contract/session-snapshot';
import {
  freshMemory,
  noted,
  observed,
  raised,
  remembered,
  retry,
  unanswered,
  unfinished,
} from '@transship/operator/core';
import type { Action, Memory, Observed } from '@transship/operator/core';
import { SILENT } from './agent-moves.ts';
import { seen } from './normal.ts';
import {
  DEVICES,
  rewritten,
  UID,
  type Message,
  type Move,
  type Operator,
  type Record_,
  type Side,
  type Write,
} from './world.ts';
import type { Variant } from './variant.ts';

/** What an operator decides from; `expired`: somebody has been silent for longer than it waits. */
export function lookOf(record: Record_, memory: Memory, variant: Variant, expired: boolean): Observed {
  return {
    plan: variant.plan,
    record,
    ...remembered(memory),
    preCopyDone: true,
    expired: expired ? SILENT : null,
  };
}

/** A side or a device that keeps an operator waiting for longer than it waits before the decision. */
function someoneIsSilent({ source, target }: Memory): boolean {
  if (source.kind === 'unreachable' || target.kind === 'unreachable') return true;
  const mute = (side: Memory['source']): boolean =>
    side.kind === 'session' && side.session.devices.some(({ state }) => state === 'Unknown');
  const stuck = target.kind === 'session' && target.session.devices.some((device) => device.stuck);
  return mute(source) || mute(target) || stuck;
}

/** Everything that one operator can do next with the record that it reads and what it remembers. */
export function operatorMoves(record: Record_, operator: Operator, index: 0 | 1, variant: Variant): Move[] {
  const name = `operator ${index}`;
  if (!operator.leader) {
    const leader = { ...operator, leader: true, memory: freshMemory, refused: null };
    const to = { operator: leader, record: { ...record, lease: index } };
    return record.lease === index ? [] : [{ label: `${name} becomes leader`, fault: 'takeover', to }];
  }
  const moves: Move[] = [];
  const anew = { ...operator, memory: freshMemory, waiting: null, refused: null };
  const again = { ...anew, instance: operator.instance + 2, leader: record.lease === index };
  moves.push({ label: `${name} is killed and restarted`, fault: 'operatorCrash', to: { operator: again } });
  if (record.vanished) {
    const idle = operator.memory.held === null && operator.waiting === null;
    if (!idle)
      moves.push({ label: `${name} finds no record and forgets it`, fault: null, to: { operator: anew } });
    return moves;
  }
  if (operator.waiting !== null) {
    const { role } = operator.waiting;
    const memory = unanswered(operator.memory, role, SILENT);
    const to = { operator: { ...operator, memory, waiting: null } };
    moves.push({ label: `${name} gets no answer from the ${role} in time`, fault: 'lost', to });
    return moves;
  }
  for (const role of ['source', 'target'] as const) {
    if (operator.memory[role].kind !== 'unreachable') continue;
    const to = { operator: { ...operator, memory: retry(operator.memory, role), refused: null } };
    moves.push({ label: `${name} tries the ${role} again`, fault: null, to });
  }
  moves.push(...act(record, operator, index, variant, false));
  if (record.decision === 'Undecided' && someoneIsSilent(operator.memory)) {
    moves.push(...act(record, operator, index, variant, true));
  }
  return moves;
}

/** The action that production decides on, carried out as its loop would. */
function act(record: Record_, before: Operator, index: 0 | 1, variant: Variant, expired: boolean): Move[] {
  const memory = noted(before.memory, record.decision);
  const operator = { ...before, memory };
  const action = variant.decide(lookOf(record, memory, variant, expired));
  const name = `operator ${index}${expired ? ' (which has waited long enough)' : ''}`;
  const mine = (label: string, change: Partial<Operator>, to: { record?: Record_ } = {}): Move => ({
    label: `${name} ${label}`,
    fault: null,
    to: { ...to, operator: { ...operator, ...change } },
  });
  const write = (what: string, set: Partial<Record_>, tests: Partial<Write> | null = {}): Move[] => {
    const asRead = variant.testsVersion && tests !== null;
    const pending: Write = { fence: record.fence, ...(asRead ? {} : tests), set, asRead };
    const knows = { ...operator, memory: noted(memory, set.decision ?? record.decision) };
    const to = { record: rewritten(record, set), operator: knows };
    const written: Move = { label: `${name} records ${what}`, fault: null, to };
    // A second one like it is the same: whichever lands first, the other does not any more.
    const text = JSON.stringify(pending);
    if (record.writes.some((other) => JSON.stringify(other) === text)) return [written];
    const stalled = { ...record, writes: [...record.writes, pending].toSorted(byText) };
    // An end that may yet be written is fenced off before anything else is done.
    const forgets = set.ended === true && variant.fencesOffItsEnd;
    const after = forgets ? { ...operator, memory: unfinished(memory) } : operator;
    const label = `${name} gets no answer to its write of ${what}`;
    return [written, { label, fault: 'stalledWrite', to: { record: stalled, operator: after } }];
  };
  switch (action.kind) {
    case 'raiseFence': {
      const fence = record.fence + 1;
      return [
        mine(
          `raises the fence to ${fence}`,
          { memory: raised(memory, fence) },
          { record: rewritten(record, { fence }) },
        ),
      ];
    }
    case 'yield':
      return [mine('yields', { leader: record.lease === index, memory: freshMemory, refused: null })];
    case 'attach': {
      const role = memory.source.kind === 'unattached' ? 'source' : 'target';
      return send(operator, index, name, role, { kind: 'attach' });
    }
    case 'place': {
      const placement = {
        kind: 'placed' as const,
        sourceDevices: DEVICES.source,
        targetDevices: DEVICES.target,
        sourceEndpoint: 'e',
      };
      return [mine('places the set', { memory: { ...memory, placement } })];
    }
    case 'commandSource':
      return send(operator, index, name, 'source', action.command);
    case 'commandTarget':
      return send(operator, index, name, 'target', action.command);
    case 'recordPlacement':
      return write('the placement', { placed: true }, null);
    case 'recordStopping':
      return write(
        'that the set is being stopped',
        { stopping: true },
        { decision: record.decision, stopping: false },
      );
    case 'recordDecision':
      return write(
        `${action.to} (${action.reason.split(':')[0]})`,
        { decision: action.to, reason: action.reason },
        { decision: action.from },
      );
    case 'finish': {
      const outcome = { phase: action.phase, code: action.failure?.code ?? null };
      const text = outcome.code === null ? outcome.phase : `${outcome.phase}, ${outcome.code}`;
      return write(`the end: ${text}`, { ended: true, outcome });
    }
    case 'addFinalizer':
    case 'removeFinalizer':
      return write('the finalizer', { finalizerPresent: action.kind === 'addFinalizer' });
    default:
      return [];
  }
}

const byText = (a: Write, b: Write): number => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1);

function send(
  operator: Operator,
  index: 0 | 1,
  name: string,
  role: Role,
  command: Message['command'],
): Move[] {
  const fence = operator.memory.held ?? 0;
  const known = operator.memory[role];
  const ticket = known.kind === 'session' ? known.session.ticket : '';
  // The same order to the same session after a refusal brings nothing new before something else is seen.
  if (operator.refused === JSON.stringify([role, ticket, command])) return [];
  const message = { role, operator: index, instance: operator.instance, fence, ticket, command };
  const waiting = { role, fence, sequence: 0 };
  return [
    {
      label: `${name} sends ${described(command)} to the ${role}`,
      fault: null,
      to: { operator: { ...operator, waiting, refused: null } },
      send: message,
    },
  ];
}

export function described(command: Message['command']): string {
  if ('decision' in command) return `${command.kind} (${command.decision})`;
  return 'generation' in command ? `${command.kind} (generation ${command.generation})` : command.kind;
}

/** The observe stream brings the newest snapshot, at any moment between two orders. */
export function hears(operator: Operator, index: 0 | 1, role: Role, { agent }: Side): Move | null {
  if (operator.memory[role].kind !== 'session' || !operator.leader || operator.waiting !== null) return null;
  const memory = seen(
    observed(operator.memory, role, agent === null ? unknownSession(UID, role, '') : view(agent)),
  );
  if (JSON.stringify(memory) === JSON.stringify(seen(operator.memory))) return null;
  const to = { operator: { ...operator, memory, refused: null } };
  const phase = agent === null ? 'an unknown migration' : agent.session.phase;
  return { label: `operator ${index} sees the ${role} at ${phase}`, fault: null, to };
}

/** What an operator that leads would do now; null when it waits for an answer or does not lead. */
export function decision(record: Record_, operator: Operator, variant: Variant): Action | null {
  if (!operator.leader || operator.waiting !== null || record.vanished) return null;
  return variant.decide(lookOf(record, operator.memory, variant, false));
}
