/** Random schedules: some faults at some steps of one migration, all drawn from a seed. */
import { allowedOutcomes, applies } from './allowed.ts';
import { CLUSTER_FAULTS, isClusterFault } from './cluster/cluster-faults.ts';
import { FAULTS, type Fault } from './faults.ts';
import { randomFrom } from './random.ts';
import { STEPS, type Step } from './steps.ts';

export interface ScheduledFault {
  readonly step: Step;
  readonly fault: Fault;
  /** From the moment the step was seen, ms. */
  readonly afterMs: number;
  /** How long it lasts before it is lifted, ms. */
  readonly forMs: number;
}

export interface Schedule {
  readonly seed: number;
  /** What the operator works on. */
  readonly ground: 'folder' | 'cluster';
  readonly mode: 'PreCopy' | 'StopCopy';
  /** In the order in which they strike. */
  readonly faults: readonly ScheduledFault[];
}

const MOST_FAULTS = 4;
const LONGEST_WAIT_MS = 300;
const LONGEST_FAULT_MS = 1_500;

/** Armed before the migration begins, so that they strike whenever it comes to their arc. */
const ONCE: ReadonlySet<Fault> = new Set<Fault>([
  'arc-refused',
  'arc-error',
  'arc-stalled',
  'stream-corrupted',
  'reset-failed',
  'reset-ignored',
]);
/** Never two of them in one schedule: a device has one fault at a time, and there is one operator to lose. */
const EXCLUSIVE: readonly ReadonlySet<Fault>[] = [
  ONCE,
  new Set<Fault>(['operator-killed', 'leader-changed']),
  // What comes back of the control plane waits for all of it.
  new Set<Fault>(CLUSTER_FAULTS),
];
const ON_A_FOLDER = FAULTS.filter((fault) => !isClusterFault(fault));
/** Each schedule of the cluster begins with one of these. */
const CONTROL_PLANE: readonly Fault[] = ['api-killed', 'etcd-killed'];
const ON_A_CLUSTER: readonly Fault[] = ['source-killed', 'target-killed', 'operator-killed', 'cut'];

/** The schedule of a seed: 1 to 4 faults, never two of one kind. */
export function scheduleOf(seed: number, ground: Schedule['ground'] = 'folder'): Schedule {
  const random = randomFrom(seed);
  const mode = random.pick(['PreCopy', 'StopCopy'] as const);
  const count = 1 + random.index(MOST_FAULTS);
  const faults: ScheduledFault[] = [];
  const onCluster = (): readonly Fault[] => (faults.length === 0 ? CONTROL_PLANE : ON_A_CLUSTER);
  while (faults.length < count) {
    const fault = random.pick(ground === 'folder' ? ON_A_FOLDER : onCluster());
    const step = random.pick(STEPS);
    const afterMs = random.index(LONGEST_WAIT_MS);
    const forMs = random.index(LONGEST_FAULT_MS);
    const isKnown = faults.some(
      (one) => one.fault === fault || EXCLUSIVE.some((set) => set.has(one.fault) && set.has(fault)),
    );
    if (!isKnown && applies(step, fault)) faults.push({ step, fault, afterMs, forMs });
  }
  return { seed, ground, mode, faults: faults.toSorted((a, b) => a.step - b.step) };
}

export const isArmed = ({ fault }: ScheduledFault): boolean => ONCE.has(fault);

/** The schedule in one line. */
export const shown = ({ seed, ground, mode, faults }: Schedule): string =>
  `${seed}${ground === 'cluster' ? ' on a cluster' : ''}: ${mode}, ${faults.map(({ step, fault, afterMs }) => `${step}:${fault} after ${afterMs} ms`).join(', ')}`;

/** Whether the rules know an end for a fault in a step, which every schedule's faults must have. */
export const known = ({ step, fault }: ScheduledFault): boolean => !('why' in allowedOutcomes(step, fault));
