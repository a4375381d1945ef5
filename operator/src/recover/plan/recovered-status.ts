import { clipMessage, type Condition, type DeviceMigrationStatus } from '@transship/crds';
import type { Failure } from '@transship/node-agent/contract';
import type { StatusPatch } from '../../reconcile/ports.ts';
import type { Recovery } from './request.ts';

/** Of status.error.message. */
const ERROR_MAX = 4096;

const OUTCOME: Readonly<Record<Recovery, string>> = {
  BackAtSource: 'The set runs on the source node again, by hand.',
  GivenUp: 'The state of the set was given up by hand; the source is free.',
  RunsAtTarget: 'The set was found running on the target node; the source was freed by hand.',
};

type Before = Pick<DeviceMigrationStatus, 'conditions' | 'error'>;

/** The object as a person ends it: Failed, and with a word that the recovery is under way. `now`: RFC 3339. */
export function endedByHand(before: Before, why: Failure, generation: number, now: string): StatusPatch {
  const message = clipMessage(why.message, ERROR_MAX);
  return {
    phase: 'Failed',
    completedAt: now,
    observedGeneration: generation,
    error: before.error ?? { code: why.code, message },
    conditions: merged(before, generation, now, [
      { type: 'Ready', status: 'False', reason: why.code, message: why.message },
      { type: 'Stalled', status: 'True', reason: why.code, message: why.message },
      {
        type: 'Recovered',
        status: 'False',
        reason: 'Recovering',
        message: 'A recovery by hand has begun; when its program has ended, run the same command again.',
      },
    ]),
  };
}

/** How it came out. The phase, the error and Stalled stay: what failed has failed. */
export function recovered(before: Before, recovery: Recovery, generation: number, now: string): StatusPatch {
  const message = OUTCOME[recovery];
  const conditions = merged(before, generation, now, [
    { type: 'Recovered', status: 'True', reason: recovery, message },
  ]);
  return { conditions };
}

type Wanted = Pick<Condition, 'type' | 'status' | 'reason' | 'message'>;

function merged(before: Before, generation: number, now: string, wanted: readonly Wanted[]): Condition[] {
  const types = new Set(wanted.map(({ type }) => type));
  const kept = before.conditions.filter(({ type }) => !types.has(type) && type !== 'Reconciling');
  const written = wanted.map((condition) => {
    const old = before.conditions.find(({ type }) => type === condition.type);
    return {
      ...condition,
      message: clipMessage(condition.message),
      observedGeneration: generation,
      lastTransitionTime: old?.status === condition.status ? old.lastTransitionTime : now,
    };
  });
  return [...written, ...kept];
}
