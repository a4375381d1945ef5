import type { Failure, Role } from '@transship/node-agent/contract';
import { failure, type Action } from '../core/index.ts';
import type { Performed } from './perform.ts';
import type { PodsTurn, ReconcilerPorts, StoredMigration } from './ports.ts';
import type { Told } from './told.ts';
import type { Voyage } from './voyage.ts';

/** Pods are read from the API server, and each change of a session wakes the loop. */
const LOOK_EVERY_MS = 2_000;
const POLL_MS = 1_000;

/** An action, and what it has come to already; null: it is to be performed. */
export interface Gated {
  readonly action: Action;
  readonly performed: Performed | null;
}

const isOfPod = ({ spec }: StoredMigration): boolean => spec.ok && spec.value.source.podName !== undefined;

/**
 * Puts what has to be done about the pods of a migration before those actions that depend on it: the target pod before the
 * agents are asked, the hand-over before the source is released, and the clearing up before the object may go.
 */
export async function withPods(
  { pods }: ReconcilerPorts,
  stored: StoredMigration,
  voyage: Voyage,
  action: Action,
  signal: AbortSignal,
): Promise<Gated> {
  const open: Gated = { action, performed: null };
  if (pods === undefined || !isOfPod(stored)) return open;
  const { status, deletionRequested } = stored;
  if (status.completedAt !== undefined) return gated(voyage, await pods.settle(stored, signal), action);
  if (action.kind === 'attach' && status.targetPod === undefined) {
    if (deletionRequested) return refused('Aborted', failure('Cancelled', 'the object was deleted'));
    const turn = await pods.prepare(stored, signal);
    return turn.kind === 'refused' ? refused('Rejected', turn.failure) : gated(voyage, turn, action);
  }
  if (action.kind === 'commandSource' && action.command.kind === 'release')
    return gated(voyage, await pods.handOver(stored, signal), action);
  return open;
}

/** Nobody was ordered to do anything yet, so nobody has to answer. */
const refused = (phase: 'Aborted' | 'Rejected', why: Failure): Gated => ({
  action: { kind: 'finish', phase, failure: why },
  performed: null,
});

function gated(voyage: Voyage, { kind, stored = null, on = '', told }: PodsTurn, action: Action): Gated {
  if (told !== undefined) voyage.targetPod = told;
  switch (kind) {
    case 'go':
      return { action, performed: null };
    case 'again':
      return { action, performed: { kind: 'again', stored } };
    case 'wait':
      return { action: { kind: 'wait', on }, performed: { kind: 'wait', afterMs: POLL_MS } };
  }
}

/** Before the decision: the side whose pod is going; asked every few seconds. */
export async function lostPod(
  { pods, clock }: ReconcilerPorts,
  stored: StoredMigration,
  voyage: Voyage,
  signal: AbortSignal,
): Promise<(Failure & { readonly of: Role }) | null> {
  const { decision, targetPod, completedAt } = stored.status;
  if (pods === undefined || targetPod === undefined || completedAt !== undefined) return null;
  if (decision.value !== 'Undecided') return null;
  const now = clock.now();
  if (voyage.lostPod !== null || now - voyage.podsSeenAt < LOOK_EVERY_MS) return voyage.lostPod;
  voyage.podsSeenAt = now;
  return pods.lost(stored, signal);
}

/** What is told of the target pod: by this process, else as it is on record. */
export function toldOfPods({ status }: StoredMigration, { targetPod }: Voyage): readonly Told[] {
  if (targetPod !== null) return [targetPod];
  const known = status.conditions.find(({ type }) => type === 'TargetPod');
  return known === undefined ? [] : [known as Told];
}
