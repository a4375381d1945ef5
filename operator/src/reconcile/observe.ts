import { parseBytes, parseDuration } from '@transship/crds';
import type { Failure } from '@transship/node-agent/contract';
import {
  failure,
  preCopyDone,
  remembered,
  type Observed,
  type Plan,
  type RecordView,
} from '../core/index.ts';
import type { StoredMigration } from './ports.ts';
import type { Voyage } from './voyage.ts';

/** A side that has not answered for this long before the decision is given up on. */
const SILENCE_LIMIT_MS = 30_000;

/** Everything the decisions are taken from, as one value. */
export function look(stored: StoredMigration, voyage: Voyage, now: number): Observed {
  const { memory } = voyage;
  voyage.sample(now);
  return {
    plan: planOf(stored),
    record: recordOf(stored),
    ...remembered(memory),
    preCopyDone: stored.spec.ok && preCopyIsDone(stored.spec.value.strategy, voyage, now),
    expired:
      silentTooLong(voyage, now) ??
      voyage.silentDevices.look(memory, now) ??
      voyage.silentWorkload.look(memory, now),
    targetFenced: voyage.targetFenced,
  };
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
  };
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

function silentTooLong({ silentSince, memory }: Voyage, now: number): Failure | null {
  for (const [role, since] of silentSince) {
    if (now - since < SILENCE_LIMIT_MS) continue;
    const side = memory[role];
    const seconds = Math.round((now - since) / 1000);
    const message = `the agent of the ${role} node has not answered for ${seconds} s`;
    if (side.kind !== 'unreachable') return failure('AgentUnreachable', message);
    return { ...side.failure, message: `${message}: ${side.failure.message}` };
  }
  return null;
}
