import type { ErrorCode } from '@transship/crds';
import type { MigrationKey } from '../reconcile/ports.ts';
import { Lookout } from './look.ts';
import { perform, type Run, StepFailed } from './perform.ts';
import { planDevice } from './plan/device.ts';
import { planDiscard } from './plan/discard.ts';
import type { FoundDevice, FoundMigration, FoundOrphan } from './plan/found.ts';
import { planOrphan } from './plan/orphan.ts';
import { planSource } from './plan/source.ts';
import { planSourceDead } from './plan/source-dead.ts';
import { type Plan, refused, type Step } from './plan/step.ts';
import type { Request } from './plan/request.ts';
import type { RecoveryPorts } from './ports.ts';

/** A recovery has about seven steps; more are repetitions after somebody else was faster. */
const MAX_STEPS = 40;
const PAUSE_MS = 200;

/** Steps that change the record. */
const WRITES: ReadonlySet<Step['kind']> = new Set([
  'takeUp',
  'recordRevert',
  'recordSourceDead',
  'markRecovered',
]);

/** Refusals of an order that was right when it was planned. */
const OVERTAKEN: ReadonlySet<string> = new Set<ErrorCode>(['StaleFence', 'FenceConflict', 'StaleSequence']);

export type Found = FoundMigration | FoundOrphan | FoundDevice;

/** What became of a run. */
export type Outcome =
  | { readonly kind: 'done' }
  | { readonly kind: 'nothing' }
  | { readonly kind: 'wouldAct' }
  | { readonly kind: 'refused'; readonly reason: string }
  | { readonly kind: 'failed'; readonly code: string; readonly reason: string };

/** Told what a run finds and does, as it happens. */
export interface Witness {
  found(found: Found | null, plan: Plan): void;
  began(step: Step): void;
  did(step: Step): void;
}

export interface RunOptions {
  readonly request: Request;
  /** Of the migration; null for a request that names none. */
  readonly key: MigrationKey | null;
  /** Without it nothing is done. */
  readonly yes: boolean;
  /** Lets this process write records; called before the first step that does. */
  readonly enter: (signal: AbortSignal) => Promise<void>;
}

/**
 * Looks, plans, does the first step of the plan, and looks again, until nothing is left to do. So a run that is killed at
 * any point is ended by another one, and what has changed meanwhile counts.
 */
export async function recover(
  ports: RecoveryPorts,
  options: RunOptions,
  witness: Witness,
  signal: AbortSignal,
): Promise<Outcome> {
  const lookout = new Lookout(ports);
  const run: Run = { held: null, sequence: 0 };
  let entered = false;
  for (let count = 0; count < MAX_STEPS; count += 1) {
    const found = await lookAt(lookout, options, run, signal);
    const plan = planFor(found, options.request, run);
    if (count === 0) witness.found(found, plan);
    if (plan.kind === 'refused') return plan;
    const [step] = plan.steps;
    if (step === undefined) return { kind: count === 0 ? 'nothing' : 'done' };
    if (!options.yes) return { kind: 'wouldAct' };
    if (!entered && WRITES.has(step.kind)) {
      await options.enter(signal);
      entered = true;
    }
    witness.began(step);
    try {
      const at = found !== null && found.kind !== 'migration' && found.kind !== 'orphan' ? null : found;
      const performed = await perform(ports, at, run, step, signal);
      if (performed === 'done') witness.did(step);
      else await ports.clock.sleep(PAUSE_MS, signal);
      if (performed === 'done' && step.kind === 'endQuarantine') return { kind: 'done' };
    } catch (error) {
      if (!(error instanceof StepFailed)) throw error;
      if (!OVERTAKEN.has(error.code)) return { kind: 'failed', code: error.code, reason: error.message };
      // Somebody took a higher fence meanwhile, or the agent knows another session by now: take the next one.
      run.held = null;
      await ports.clock.sleep(PAUSE_MS, signal);
    }
  }
  const reason = `no end after ${MAX_STEPS} steps: something else works on this migration`;
  return { kind: 'failed', code: 'FenceConflict', reason };
}

async function lookAt(
  lookout: Lookout,
  { request, key }: RunOptions,
  run: Run,
  signal: AbortSignal,
): Promise<Found | null> {
  switch (request.kind) {
    case 'source':
    case 'discard':
    case 'sourceDead':
      return key === null ? null : lookout.migration(key, run.held, signal);
    case 'orphan':
      return lookout.orphan(request.uid, request.node, run.held, signal);
    case 'device':
      return lookout.device(request.node, request.device, signal);
  }
}

const NOT_THERE =
  'there is no such migration; what a deleted one left behind is ended with `transship recover --orphan UID --node NODE`';

function planFor(found: Found | null, request: Request, run: Run): Plan {
  if (found === null) return refused(NOT_THERE);
  if (found.kind === 'migration') {
    if (request.kind === 'source') return planSource(found, request.proof);
    if (request.kind === 'sourceDead') return planSourceDead(found, request);
    return planDiscard(found);
  }
  if (found.kind === 'orphan' && request.kind === 'orphan')
    return planOrphan({ ...found, held: run.held }, request);
  if (found.kind !== 'orphan' && request.kind === 'device') return planDevice(found, request.device);
  return refused('nothing fits this request');
}
