import { step } from '@transship/node-agent/core';
import { decide, type Action, type Observed, type Plan } from '@transship/operator/core';

/**
 * The plan and the rules. Production's, but for a test that takes one rule away from outside to prove that it is
 * needed: what an operator decides, what an agent makes of an event, or what surrounds them.
 */
export interface Variant {
  readonly plan: Plan;
  readonly decide: (o: Observed) => Action;
  readonly step: typeof step;
  /** A process whose last write to an object got no answer raises the fence before it goes on. */
  readonly fencesOffItsEnd: boolean;
  /** Stopping, decision and end test that the object is as it was read; false: their own old values alone. */
  readonly testsVersion: boolean;
}

export const PLAN: Plan = {
  sourceNode: 'a',
  preCopy: true,
  waitOnDeadline: false,
  quiesceTimeoutMs: 1,
  bandwidthLimit: 0,
  retries: 1,
};

export const production = (plan: Plan = PLAN): Variant => ({
  plan,
  decide,
  step,
  fencesOffItsEnd: true,
  testsVersion: true,
});
