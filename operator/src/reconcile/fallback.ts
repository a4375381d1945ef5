import { clipMessage, type DecisionValue, type RecordedTarget } from '@transship/crds';
import type { Failure, SessionSnapshot } from '@transship/node-agent/contract';
import { failure, leftReplied, type Action } from '../core/index.ts';
import { wasStarted } from './left-patience.ts';
import type { AgentReply, ReconcilerPorts, StoredMigration, WriteOutcome } from './ports.ts';
import { targetNodeOf } from './target-node.ts';
import type { Voyage } from './voyage.ts';

/** Of status.target.abandoned[].message. */
const MESSAGE_MAX = 1024;
/** How long an agent may hold its answer back so that its devices are reset, milliseconds. */
const DISCARD_MS = 1_000;

/**
 * Records that another node takes the set, with a new fence in the same write: all that was begun for the target before is
 * fenced off by it. Says so, on the migration and on the node that was left.
 */
export async function leaveTarget(
  { store, instance, events, log }: ReconcilerPorts,
  stored: StoredMigration,
  voyage: Voyage,
  { nodeName, generation, why }: Extract<Action, { kind: 'recordTarget' }>,
  signal: AbortSignal,
): Promise<WriteOutcome> {
  if (!stored.spec.ok) return { kind: 'conflict' };
  const from = targetNodeOf(stored.spec.value, stored.status);
  const left = { nodeName: from, code: why.code, message: clipMessage(why.message, MESSAGE_MAX) };
  const abandoned = [...(stored.status.target?.abandoned ?? []), left];
  const target: RecordedTarget = { nodeName, generation, abandoned };
  const outcome = await store.raiseFence(stored, instance, signal, { target });
  log.warn({ uid: stored.uid, from, to: nodeName, why, outcome: outcome.kind }, 'target left');
  if (outcome.kind !== 'written') return outcome;
  voyage.leaveTarget(outcome.stored.status.fence);
  const message = `${from} cannot take the set (${why.code}: ${why.message}); it goes to ${nodeName}, and the source stays as it is.`;
  events.publish(stored, { type: 'Warning', reason: 'FallbackNode', message });
  return outcome;
}

/**
 * Orders a target that was left to discard what it holds, as after Abort whatever is recorded: what became of the set is no
 * affair of this node, where another workload may be at work by now, and Commit or Revert would end it. One that was told
 * of a decision before, by another version, is told the same again. False: it stands still all the same.
 */
export async function discardLeft(
  ports: ReconcilerPorts,
  stored: StoredMigration,
  voyage: Voyage,
  { nodeName }: Extract<Action, { kind: 'discardLeft' }>,
  signal: AbortSignal,
): Promise<boolean> {
  const first = await orderDiscard(ports, stored, voyage, { node: nodeName, decision: 'Abort' }, signal);
  const seen = first.kind === 'session' ? first.session.decision : 'Undecided';
  const wasTold = first.kind === 'session' && first.refusal?.code === 'RecordRegressed';
  const reply =
    wasTold && seen !== 'Undecided'
      ? await orderDiscard(ports, stored, voyage, { node: nodeName, decision: seen }, signal)
      : first;
  if (reply.kind === 'unreachable') return true;
  const { session } = reply;
  return session.phase === 'Discarded' || !session.settled || wasStarted(session);
}

async function orderDiscard(
  { agents, instance, metrics, log }: ReconcilerPorts,
  { uid }: StoredMigration,
  voyage: Voyage,
  { node, decision }: { readonly node: string; readonly decision: Exclude<DecisionValue, 'Undecided'> },
  signal: AbortSignal,
): Promise<AgentReply> {
  const { held } = voyage.memory;
  if (held === null) throw new Error('a command needs a fence');
  const sequence = voyage.memory.sequence + 1;
  voyage.memory = { ...voyage.memory, sequence };
  const header = { uid, fence: held, sequence, operator: instance };
  const command = { kind: 'discard', decision } as const;
  const reply: AgentReply = (await agents
    .agent(node)
    ?.command({ header, role: 'target', command }, DISCARD_MS, signal)) ?? {
    kind: 'unreachable',
    failure: failure('NodeUnknown', `no agent of ${node} is known`),
  };
  const refusal = reply.kind === 'session' ? reply.refusal : reply.failure;
  voyage.memory = leftReplied(voyage.memory, node, answerOf(reply, held));
  log.info({ uid, fence: held, node, decision, refusal }, 'discarded a target that was left');
  metrics.commandAnswered(
    'discard',
    reply.kind === 'unreachable' ? reply.kind : refusal === null ? 'obeyed' : 'refused',
  );
  return reply;
}

/** One that has not taken the fence in, as when it cannot use its journal, says why it has not and nothing else. */
function answerOf(reply: AgentReply, held: number): SessionSnapshot | Failure {
  if (reply.kind === 'unreachable') return reply.failure;
  return reply.refusal !== null && reply.session.fence < held ? reply.refusal : reply.session;
}
