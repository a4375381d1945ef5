import { parseBytes, parseDuration } from '@transship/crds';
import type { Failure, Role } from '@transship/node-agent/contract';
import {
  failure,
  preCopyDone,
  remembered,
  type LeftTarget,
  type Observed,
  type Plan,
  type RecordView,
} from '../core/index.ts';
import type { StoredMigration } from './ports.ts';
import { leftTargetsOf, nextTargetOf } from './target-node.ts';
import type { Voyage } from './voyage.ts';

/** A side that has not answered for this long before the decision is given up on. */
const SILENCE_LIMIT_MS = 30_000;

/** Everything the decisions are taken from, as one value. */
export function look(stored: StoredMigration, voyage: Voyage, now: number): Observed {
  const { memory } = voyage;
  voyage.sample(now);
  const spent = voyage.leftPatience.look(memory.left, now);
  return {
    plan: planOf(stored),
    record: recordOf(stored),
    ...remembered(memory),
    preCopyDone: stored.spec.ok && preCopyIsDone(stored.spec.value.strategy, voyage, now),
    quiescePauses: stored.spec.ok && quiescePauses(stored.spec.value.strategy, voyage, now),
    expired: blamed(
      voyage,
      voyage.lostPod ??
        silentTooLong(voyage, now) ??
        voyage.silentDevices.look(memory, now) ??
        voyage.silentWorkload.look(memory, now),
    ),
    targetFenced: voyage.targetFenced,
    sourceFenced: voyage.sourceFenced,
    nextTarget: stored.spec.ok ? nextTargetOf(stored.spec.value, stored.status) : null,
    left: leftTargetsOf(stored.status).map((node): LeftTarget => {
      const why = spent.get(node);
      // As one that is shut down: it was never told to run, so nothing but its devices waits for it.
      if (why !== undefined) return { node, side: { kind: 'unreachable', failure: why }, fenced: true };
      const side = memory.left[node] ?? { kind: 'unattached' };
      return { node, side, fenced: voyage.leftFenced.has(node) };
    }),
  };
}

/** With the side whose device or workload it is, where the failure names one of the target's. */
function blamed(voyage: Voyage, why: (Failure & { readonly of?: Role }) | null): Observed['expired'] {
  if (why === null || why.of !== undefined) return why;
  const { target } = voyage.memory;
  if (target.kind !== 'session') return why;
  const { devices } = target.session;
  const ofTarget =
    why.device === null ? target.refusal?.code === why.code : devices.some(({ id }) => id === why.device);
  return { ...why, of: ofTarget ? 'target' : 'source' };
}

function planOf(stored: StoredMigration): Plan | { readonly refused: Failure } {
  if (!stored.spec.ok) return { refused: failure(stored.spec.code, stored.spec.message) };
  const { source, strategy, recovery } = stored.spec.value;
  return {
    sourceNode: source.nodeName,
    preCopy: strategy.mode === 'PreCopy',
    waitOnDeadline: strategy.onDeadline === 'Wait',
    quiesceTimeoutMs: parseDuration(strategy.quiesceTimeout),
    bandwidthLimit: strategy.bandwidthLimit === undefined ? 0 : parseBytes(strategy.bandwidthLimit),
    retries: recovery.retries,
  };
}

function recordOf({ status, deletionRequested, finalizerPresent }: StoredMigration): RecordView {
  return {
    fence: status.fence,
    placed: status.devices !== undefined,
    stopping: status.stopping !== undefined,
    decision: status.decision.value,
    reason: status.decision.reason ?? null,
    ended: status.completedAt !== undefined,
    deletionRequested,
    finalizerPresent,
    ...(status.target === undefined ? {} : { firstGeneration: status.target.generation }),
  };
}

function quiescePauses(
  strategy: { readonly quiesceTimeout: string; readonly preCopyTimeout: string },
  { quiescePause, memory }: Voyage,
  now: number,
): boolean {
  const firstMs = parseDuration(strategy.quiesceTimeout);
  return quiescePause.look(memory, { firstMs, capMs: parseDuration(strategy.preCopyTimeout) }, now);
}

function preCopyIsDone(
  strategy: { readonly preCopyTimeout: string; readonly downtimeLimit: string },
  voyage: Voyage,
  now: number,
): boolean {
  const limits = {
    timeoutMs: parseDuration(strategy.preCopyTimeout),
    downtimeMs: parseDuration(strategy.downtimeLimit),
  };
  return preCopyDone(voyage.preCopySamples(), now, limits);
}

/** The source first: no other target mends its silence. */
function silentTooLong({ silentSince, memory }: Voyage, now: number): Observed['expired'] {
  for (const role of ['source', 'target'] as const) {
    const since = silentSince.get(role);
    if (since === undefined || now - since < SILENCE_LIMIT_MS) continue;
    const side = memory[role];
    const seconds = Math.round((now - since) / 1000);
    const message = `the agent of the ${role} node has not answered for ${seconds} s`;
    const why = side.kind === 'unreachable' ? side.failure : failure('AgentUnreachable', '');
    return { ...why, message: why.message === '' ? message : `${message}: ${why.message}`, of: role };
  }
  return null;
}
