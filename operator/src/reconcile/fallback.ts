import { clipMessage, type RecordedTarget } from '@transship/crds';
import type { Failure, SessionSnapshot } from '@transship/node-agent/contract';
import { failure, leftReplied, type Action } from '../core/index.ts';
import type { ReconcilerPorts, StoredMigration, WriteOutcome } from './ports.ts';
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

/** Orders a target that was left to discard what it holds. False: it stands still all the same. */
export async function discardLeft(
  { agents, instance, metrics, log }: ReconcilerPorts,
  stored: StoredMigration,
  voyage: Voyage,
  { nodeName, decision }: Extract<Action, { kind: 'discardLeft' }>,
  signal: AbortSignal,
): Promise<boolean> {
  const { held } = voyage.memory;
  if (held === null) throw new Error('a command needs a fence');
  const sequence = voyage.memory.sequence + 1;
  voyage.memory = { ...voyage.memory, sequence };
  const header = { uid: stored.uid, fence: held, sequence, operator: instance };
  const command = { kind: 'discard', decision } as const;
  const agent = agents.agent(nodeName);
  const reply =
    agent === null
      ? { kind: 'unreachable' as const, failure: failure('NodeUnknown', `no agent of ${nodeName} is known`) }
      : await agent.command({ header, role: 'target', command }, DISCARD_MS, signal);
  const refusal = reply.kind === 'session' ? reply.refusal : reply.failure;
  const answer: SessionSnapshot | Failure = reply.kind === 'session' ? reply.session : reply.failure;
  voyage.memory = leftReplied(voyage.memory, nodeName, answer);
  log.info({ uid: stored.uid, fence: held, node: nodeName, refusal }, 'discarded a target that was left');
  metrics.commandAnswered(
    'discard',
    reply.kind === 'unreachable' ? reply.kind : refusal ? 'refused' : 'obeyed',
  );
  return reply.kind === 'unreachable' || reply.session.phase === 'Discarded' || !reply.session.settled;
}
