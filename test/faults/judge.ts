/** Whether what was found is what the rules allow: a pure function over the evidence. */
import { allowedWhenKept, type Allowed, type Ending } from './allowed.ts';
import { judgeCluster, unstruck } from './cluster/judge.ts';
import { UNKNOWN_DIGEST, type Evidence, type SideEvidence } from './evidence.ts';
import type { Fault } from './faults.ts';
import type { Step } from './steps.ts';

/** Everything that is wrong with one cell; empty: it passes. */
export function judge(step: Step, fault: Fault, evidence: Evidence): string[] {
  const allowed = allowedWhenKept(step, fault, evidence.keptMs);
  if ('why' in allowed) return [`the fault does not apply: ${allowed.why}`];
  const proofs = [...unproved(step, evidence), ...unstruck(fault, evidence.cluster)];
  return [...proofs, ...judgeEnd(allowed, evidence)];
}

/** The same for an end alone, whatever brought it about. */
export function judgeEnd(allowed: readonly Allowed[], evidence: Evidence): string[] {
  const wrong = [...always(evidence)];
  const attempts = allowed.map((one) => contradictions(one, evidence));
  const best = attempts.toSorted((a, b) => a.length - b.length)[0] ?? ['nothing is allowed'];
  return [...wrong, ...best];
}

/** A cell in which the fault did not strike where it was to proves nothing. */
function unproved(step: Step, { proof }: Evidence): string[] {
  if (proof.evidence === null) return ['the fault is not proved to have struck'];
  return proof.step === step ? [] : [`the fault struck in step ${proof.step ?? 'none'}, not ${step}`];
}

/** Codes of a bug, of a record that was lost, and of a message nobody sent: true of no fault here. */
const NEVER_TRUE: ReadonlySet<string> = new Set([
  'Internal',
  'RecordRegressed',
  'RecordMissing',
  'MessageUnreadable',
]);

/** The invariants: they hold whatever happens. */
function always({ code, settled, bothRan, leftovers, source, target, cluster }: Evidence): string[] {
  const sides = [source, target];
  return [
    ...(settled ? [] : ['the migration has neither ended nor said that a person must help']),
    ...(code !== null && NEVER_TRUE.has(code) ? [`the code is ${code}, which no fault brings about`] : []),
    ...bothRan.map((when) => `both sides ran: ${when}`),
    ...(runs(source) && runs(target) ? ['both sides run'] : []),
    ...sides.flatMap(({ node, violations }) => violations.map((one) => `${node}: monitor: ${one}`)),
    ...leftovers.map((one) => `left behind: ${one}`),
    ...(cluster === undefined ? [] : judgeCluster(cluster)),
  ];
}

const PHASES: Readonly<Record<Ending, readonly string[]>> = {
  moved: ['Succeeded'],
  'moved-then-died': ['Succeeded'],
  'moved-source-withheld': ['Succeeded'],
  stayed: ['Failed', 'Aborted', 'Rejected'],
  'stayed-target-withheld': ['Failed', 'Aborted', 'Rejected'],
  lost: ['Failed'],
  'target-lost': ['Failed', 'Activating'],
  'nothing-to-move': ['Rejected', 'Failed', 'Aborted'],
  'both-lost': ['Failed', 'Activating'],
};

const DECISIONS: Readonly<Record<Ending, readonly string[]>> = {
  moved: ['Commit'],
  'moved-then-died': ['Commit'],
  'moved-source-withheld': ['Commit'],
  stayed: ['Undecided', 'Abort', 'Revert'],
  'stayed-target-withheld': ['Undecided', 'Abort', 'Revert'],
  lost: ['Undecided', 'Abort', 'Revert'],
  'target-lost': ['Commit'],
  'nothing-to-move': ['Undecided', 'Abort'],
  'both-lost': ['Undecided', 'Abort', 'Revert', 'Commit'],
};

/** How the evidence differs from one allowed end. */
function contradictions({ ending, codes, mayWithhold = [] }: Allowed, evidence: Evidence): string[] {
  const { phase, code, decision } = evidence;
  const wrong: string[] = [];
  const expect = (holds: boolean, what: string): unknown => holds || wrong.push(`${ending}: ${what}`);
  expect(PHASES[ending].includes(phase), `the phase is ${phase}`);
  expect(DECISIONS[ending].includes(decision), `the decision is ${decision}`);
  if (codes.length > 0) expect(code !== null && codes.includes(code), `the code is ${code ?? 'missing'}`);
  const isLeft = (role: 'source' | 'target'): boolean =>
    isFree(evidence[role]) || (mayWithhold.includes(role) && isFreeButWithheld(evidence, role));
  placed(ending, evidence, expect, isLeft);
  return wrong;
}

type Expect = (holds: boolean, what: string) => unknown;

/** `isLeft`: whether a side has nothing of the set any more. */
function placed(
  ending: Ending,
  evidence: Evidence,
  expect: Expect,
  isLeft: (role: 'source' | 'target') => boolean,
): void {
  const { source, target, conditions } = evidence;
  const tellsLoss = conditions.includes('DeviceLost');
  switch (ending) {
    case 'moved':
    case 'moved-source-withheld':
      expect(runs(target), `the set does not run at the target: ${shown(target)}`);
      whole(target, expect);
      expect(sameDigests(evidence), 'the target did not take what the source had when it stopped');
      if (ending === 'moved') expect(isLeft('source'), `the source is not free: ${shown(source)}`);
      else expect(withheld(source) && tellsLoss, `no device of the source is withheld: ${shown(source)}`);
      break;
    case 'moved-then-died':
      expect(isLeft('source'), `the source is not free: ${shown(source)}`);
      break;
    case 'stayed':
      expect(runs(source), `the set does not run at the source: ${shown(source)}`);
      whole(source, expect);
      expect(isLeft('target'), `the target is not free: ${shown(target)}`);
      break;
    case 'stayed-target-withheld':
      expect(runs(source), `the set does not run at the source: ${shown(source)}`);
      whole(source, expect);
      expect(withheld(target), `no device of the target is withheld: ${shown(target)}`);
      // An object that was deleted cannot say anything any more.
      if (evidence.phase !== 'Aborted') expect(tellsLoss, 'no condition tells that a device is withheld');
      break;
    case 'lost':
      expect(tellsLoss, 'no condition tells that a device lost its state');
      expect(!runs(target) && isLeft('target'), `the target is not free: ${shown(target)}`);
      break;
    case 'target-lost':
      expect(standsStill(source), `the source does not stand still: ${shown(source)}`);
      expect(!runs(target), `the target runs: ${shown(target)}`);
      break;
    case 'nothing-to-move':
      expect(!runs(target) && isLeft('target'), `the target is not free: ${shown(target)}`);
      break;
    case 'both-lost':
      expect(tellsLoss, 'no condition tells that a device lost its state');
      expect(!runs(source) && !runs(target), `one side runs: ${shown(source)}, ${shown(target)}`);
      break;
  }
}

/** Nothing of the traffic between the devices, or from the workload, was lost, skipped or doubled. */
function whole({ lost, gaps, doubles, submissionGaps }: SideEvidence, expect: Expect): void {
  expect(lost === 0, `${lost} transactions were lost`);
  expect(gaps + doubles === 0, `${gaps} gaps and ${doubles} doubles of transactions`);
  expect(submissionGaps === 0, `${submissionGaps} gaps of the workload's work`);
}

const all = (side: SideEvidence, holds: (device: SideEvidence['devices'][number]) => boolean): boolean =>
  side.devices.length > 0 && side.devices.every(holds);

/** All of it: devices, links, and a workload that is at work. */
const runs = (side: SideEvidence): boolean =>
  all(side, ({ state, armed }) => state === 'Running' && armed) &&
  side.workload.phase === 'Live' &&
  !side.workload.frozen &&
  side.workload.refused === 0 &&
  side.progresses;

/** Reset, of no set, and anybody may have it. */
const isFree = (side: SideEvidence): boolean =>
  all(side, ({ state, armed, withheld: kept }) => state === 'Running' && !armed && !kept) &&
  side.workload.phase !== 'Live';

/** As free, but for devices that are withheld; an object that was deleted cannot say so any more. */
const isFreeButWithheld = (evidence: Evidence, role: 'source' | 'target'): boolean =>
  withheld(evidence[role]) &&
  all(evidence[role], ({ state, armed, withheld: kept }) => kept || (state === 'Running' && !armed)) &&
  evidence[role].workload.phase !== 'Live' &&
  (evidence.phase === 'Aborted' || evidence.conditions.includes('DeviceLost'));

const withheld = (side: SideEvidence): boolean => side.devices.some(({ withheld: kept }) => kept);

/** Stopped with its state, and the workload frozen. */
const standsStill = (side: SideEvidence): boolean =>
  all(side, ({ state }) => state === 'StopCopy' || state === 'Stop') && side.workload.frozen;

/** A device that was held in an arc when its server died could not be asked; the others must be equal. */
function sameDigests({ source, target }: Evidence): boolean {
  const pairs = source.digests.map((digest, index) => [digest, target.digests[index]] as const);
  const known = pairs.filter(([digest]) => digest !== UNKNOWN_DIGEST);
  return known.length > 0 && known.every(([here, there]) => here === there);
}

const shown = ({ devices, workload, phase, progresses }: SideEvidence): string =>
  JSON.stringify({
    phase,
    devices: devices.map(({ state, armed, withheld: kept }) =>
      [state, armed ? 'armed' : '', kept ? 'withheld' : ''].filter((word) => word !== '').join(' '),
    ),
    workload: workload.phase + (workload.frozen ? ' frozen' : ''),
    progresses,
  });
