import type { Strategy } from '@transship/crds';
import { eventually } from '../support/managed-process.ts';
import { verdictOn } from './ending.ts';
import type { SoakFault, SoakRig } from './fault.ts';

/** Deadlines that no machine with other work misses. */
const PATIENT = { quiesceTimeout: '5m', preCopyTimeout: '5m' } as const;

/** Where a set goes to and fro. */
export interface VoyageRig<Node> extends SoakRig {
  /** Where the set is. */
  readonly source: Node;
  readonly target: Node;
  /** Puts a manifest for the whole set into the folder. */
  apply(name: string, strategy: VoyageStrategy): Promise<void>;
  /** Whether the manifest is in the folder. */
  isApplied(name: string): Promise<boolean>;
  /** The set is on the other node from now on. */
  turnRound(): void;
}

export type VoyageStrategy = typeof PATIENT & {
  readonly mode: Strategy['mode'];
  readonly bandwidthLimit?: string;
};

/** How it is found out what a voyage has come to; what is not as it must be is told in words. */
export interface VoyageChecks<Node> {
  /** Beyond the longest fault and the patience of the product, on a machine with other work, ms. */
  readonly patienceMs: number;
  /** After the end: the set has left `source` for `target`. */
  readonly hasMoved: (source: Node, target: Node) => Promise<boolean>;
  /** The set runs on `home` and nothing of it on `other`, and nothing was lost. */
  readonly places: (home: Node, other: Node) => Promise<string[]>;
  /** What was loaded is what was saved. */
  readonly digests: (from: Node, to: Node) => Promise<string[]>;
}

export interface Voyage<Rig> {
  readonly name: string;
  readonly fault: SoakFault<Rig>;
  readonly strategy: Omit<VoyageStrategy, keyof typeof PATIENT>;
}

export interface VoyageResult {
  /** With the code of its error, if there was one: for people. */
  readonly phase: string;
  /** The fault met the voyage. */
  readonly struck: boolean;
  /** Something was silent for too long, and the set stayed: allowed to a few. */
  readonly isSilent: boolean;
  /** What is not as it must be; empty: nothing. */
  readonly wrong: readonly string[];
}

/** Moves the set to the other node under a fault. It arrives, or stays as if nothing had been; then it is looked at. */
export async function voyage<Node, Rig extends VoyageRig<Node>>(
  rig: Rig,
  { patienceMs, hasMoved, places, digests }: VoyageChecks<Node>,
  { name, fault, strategy }: Voyage<Rig>,
): Promise<VoyageResult> {
  const { source, target } = rig;
  await fault.arm(rig);
  await rig.apply(name, { ...PATIENT, ...strategy });
  // The record of one that is deleted goes with its last words.
  const last: { phase: string; code: string | null } = { phase: 'nothing', code: null };
  const end = eventually(`${name} ends`, patienceMs, async () => {
    const isApplied = await rig.isApplied(name);
    const record = await rig.record(name);
    // It may also have gone between two looks.
    if (record === null && (last.phase !== 'nothing' || !isApplied)) return last.phase;
    last.phase = record?.status.phase ?? last.phase;
    last.code = record?.status.error?.code ?? last.code;
    return record?.status.completedAt === undefined ? null : record.status.phase;
  });
  const [phase, struck] = await Promise.all([end, fault.strike(rig, name)]);
  await rig.remove(name);
  await eventually(`the record of ${name} goes`, patienceMs, async () =>
    (await rig.record(name)) === null ? true : null,
  );
  const isMoved = await hasMoved(source, target);
  if (isMoved) rig.turnRound();
  const wrong = isMoved
    ? [...(await places(target, source)), ...(await digests(source, target))]
    : await places(source, target);
  const { code } = last;
  const verdict = verdictOn({ phase, code, isMoved }, fault.mayEnd);
  if (verdict.kind === 'wrong') wrong.push(verdict.why);
  const isSilent = verdict.kind === 'silent';
  return {
    phase: code === null ? phase : `${phase} (${code})`,
    struck,
    isSilent,
    wrong: wrong.map((one) => `${name}: ${one}`),
  };
}
