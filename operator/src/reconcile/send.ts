import type { Role, SourceCommand, TargetCommand } from '@transship/node-agent/contract';
import { failure, unanswered } from '../core/index.ts';
import type { AgentPort, AgentReply, ReconcilerPorts, StoredMigration } from './ports.ts';
import { targetNodeOf } from './target-node.ts';
import type { Voyage } from './voyage.ts';

/**
 * How long an agent may hold an answer back so that its session settles, milliseconds. Long enough that a
 * barrier costs one round trip, short enough that a deletion is seen meanwhile.
 */
const WAIT_MS: Readonly<Record<(SourceCommand | TargetCommand)['kind'], number>> = {
  attach: 0,
  prepare: 2_000,
  preCopy: 1_000,
  quiesce: 2_000,
  stop: 500,
  verify: 2_000,
  activate: 2_000,
  commit: 0,
  release: 1_000,
  rollBack: 1_000,
  discard: 1_000,
};

/** obeyed: the memory holds the session as it is now. */
export type Answer = 'obeyed' | 'refused' | 'unreachable';

export function agentOf(ports: ReconcilerPorts, stored: StoredMigration, role: Role): AgentPort | null {
  const { spec, status } = stored;
  if (!spec.ok) return null;
  const { source } = spec.value;
  return ports.agents.agent(role === 'source' ? source.nodeName : targetNodeOf(spec.value, status));
}

/** Sends one command under the held fence, and takes its answer (or its absence) into the memory. */
export async function send(
  ports: ReconcilerPorts,
  stored: StoredMigration,
  voyage: Voyage,
  role: Role,
  command: SourceCommand | TargetCommand,
  signal: AbortSignal,
): Promise<Answer> {
  const { held } = voyage.memory;
  if (held === null) throw new Error('a command needs a fence');
  const sequence = voyage.memory.sequence + 1;
  voyage.memory = { ...voyage.memory, sequence };
  const known = voyage.memory[role];
  const ticket = known.kind === 'session' ? known.session.ticket : '';
  const header = { uid: stored.uid, fence: held, sequence, operator: ports.instance, ticket };
  const agent = agentOf(ports, stored, role);
  const reply: AgentReply =
    agent === null
      ? { kind: 'unreachable', failure: failure('NodeUnknown', `no agent of the ${role} node is known`) }
      : takenIn(await agent.command({ header, role, command }, WAIT_MS[command.kind], signal), held);
  const { log, metrics, clock } = ports;
  const fields = { uid: stored.uid, fence: held, sequence, role, command: command.kind };
  if (reply.kind === 'unreachable') {
    noteSilence(voyage, role, clock.now());
    voyage.memory = unanswered(voyage.memory, role, reply.failure);
    log.warn({ ...fields, failure: reply.failure }, 'agent does not answer');
    metrics.commandAnswered(command.kind, 'unreachable');
    return 'unreachable';
  }
  voyage.silentSince.delete(role);
  voyage.heardAt.set(role, clock.now());
  voyage.answered(role, reply.session, reply.refusal);
  const outcome = reply.refusal === null ? 'obeyed' : 'refused';
  log.info({ ...fields, phase: reply.session.phase, refusal: reply.refusal }, 'agent answered');
  metrics.commandAnswered(command.kind, outcome);
  return outcome;
}

/**
 * An agent that knows less than this fence has not taken the command in, as when it cannot use its journal. Nothing is
 * concluded from the session it shows, which is empty; nor from that of an agent of a version too far away.
 */
function takenIn(reply: AgentReply, held: number): AgentReply {
  if (reply.kind === 'unreachable') return reply;
  if (reply.session.fence >= held && reply.refusal?.code !== 'VersionSkew') return reply;
  const why = reply.refusal ?? failure('Internal', `the agent does not take fence ${held} in`);
  return { kind: 'unreachable', failure: why };
}

function noteSilence(voyage: Voyage, role: Role, now: number): void {
  if (!voyage.silentSince.has(role)) voyage.silentSince.set(role, now);
}
