/** The cells of a killed broker: every step of a voyage, either side, and which of them a run takes. */
import type { Role } from '@transship/node-agent/contract';
import { allowedOutcomes } from '../../faults/allowed.ts';
import type { Allowed } from '../../faults/allowed.ts';
import { randomFrom } from '../../faults/random.ts';
import { STEPS } from '../../faults/steps.ts';
import type { Step } from '../../faults/steps.ts';

/**
 * `kept`: the agent lives and has the devices open, so nothing of theirs is lost. `alone`: the agent is killed as well,
 * nobody has them open any more, and the kernel resets them.
 */
export type Keeping = 'kept' | 'alone';

export interface BrokerCell {
  readonly step: Step;
  readonly side: Role;
  readonly keeping: Keeping;
}

/** `all`, or the seed of a sample. */
export const CELLS_VARIABLE = 'TRANSSHIP_BROKER_CELLS';

const SIDES = ['source', 'target'] as const;

const KEPT: readonly BrokerCell[] = STEPS.flatMap((step) =>
  SIDES.map((side) => ({ step, side, keeping: 'kept' as const })),
);

/** Before step 3 nothing of the migration is in the devices, and nobody would notice. */
const ALONE: readonly BrokerCell[] = STEPS.filter((step) => step >= 3).flatMap((step) =>
  SIDES.map((side) => ({ step, side, keeping: 'alone' as const })),
);

export const ALL_CELLS: readonly BrokerCell[] = [...KEPT, ...ALONE];

/** Every step once, on either side, with a living agent: the others cost two new nodes each. The same for the same seed. */
export function sampled(seed: number): readonly BrokerCell[] {
  const random = randomFrom(seed);
  return STEPS.map((step): BrokerCell => ({ step, side: random.pick(SIDES), keeping: 'kept' }));
}

/** Before the decision, an agent that the operator does not reach for so long ends the attempt, ms. */
const SILENCE_LIMIT_MS = 30_000;
const SILENCE = ['AgentUnreachable', 'DeadlineExceeded'];
/** Steps that are held by keeping an agent from the operator. */
const SILENT_STEPS: ReadonlySet<Step> = new Set<Step>([1, 2, 8]);

function promptEnds({ step, side, keeping }: BrokerCell): readonly Allowed[] {
  if (keeping === 'kept') return [{ ending: 'moved', codes: [] }];
  const allowed = allowedOutcomes(step, side === 'source' ? 'source-died' : 'target-died');
  if ('why' in allowed) throw new Error(`no such cell: ${allowed.why}`);
  return allowed;
}

/**
 * Which ends are allowed: a broker that dies takes nothing along that its agent has open, so the set moves. Where the
 * agent dies too, the device is another one, as when the server of an emulated device dies.
 * @param keptMs from the hold until all ran again: on a slow machine an agent's silence alone may end the attempt
 */
export function allowedEnds(cell: BrokerCell, keptMs = 0): readonly Allowed[] {
  const allowed = promptEnds(cell);
  const isSilent = cell.keeping === 'alone' || SILENT_STEPS.has(cell.step);
  if (keptMs < SILENCE_LIMIT_MS || cell.step > 8 || !isSilent) return allowed;
  const late = allowed.map((one) =>
    one.codes.length > 0 ? { ...one, codes: [...one.codes, ...SILENCE] } : one,
  );
  return [...late, { ending: 'stayed', codes: SILENCE }];
}
