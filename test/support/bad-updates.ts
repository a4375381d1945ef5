import type { ErrorCode } from '@transship/crds';
import { rules } from '@transship/crds';
import type { RefusedBy } from './bad-manifests.ts';

/** A change of a DeviceMigration that exists already, from one status (or spec part) to the next. */
export interface Update {
  /** Completes the sentence "refuses ..." or "accepts ...". */
  readonly name: string;
  /** What is written: `status` through its subresource, `spec` through the object. */
  readonly part: 'spec' | 'status';
  /** Fields of the part before, laid over a good manifest (spec) or an empty status. */
  readonly before: Readonly<Record<string, unknown>>;
  /** Fields of the part after; what `before` had and this lacks is removed. */
  readonly after: Readonly<Record<string, unknown>>;
}

export interface BadUpdate extends Update {
  readonly code: ErrorCode;
  /** Part of the message on either side. */
  readonly messagePart: string;
  readonly refusedBy: RefusedBy;
}

const at = '2026-01-02T03:04:05Z';
const later = '2026-01-02T03:04:06Z';
const by = 'operator-0';

const decided = (value: string, when: string = at): Record<string, unknown> => ({
  decision: { value, at: when, by },
});
const undecided = { decision: { value: 'Undecided' } };
const stopping = { stopping: { at, by } };

const target = {
  nodeName: 'gpu-c',
  generation: 2,
  abandoned: [{ nodeName: 'gpu-b', code: 'AgentUnreachable', message: 'no answer' }],
};

const sourceDead = { sourceDead: { at, by, proof: 'unplugged, seen on site' } };

const sourcePod = { name: 'trainer-0', uid: '4f1a-0' };
const targetPod = { name: 'trainer-0-x1', uid: '4f1a-1', nodeName: 'gpu-b' };

const device = {
  source: 'gpu-a/0',
  target: 'gpu-b/0',
  protocol: 'v1',
  state: 'StopCopy',
  targetState: 'Resuming',
  bytes: 4096,
  segments: 1,
  generation: 0,
};

type Part = Readonly<Record<string, unknown>>;
type Transition = readonly [name: string, before: Part, after: Part, code: ErrorCode, messagePart: string];

/** Refused by comparing with what was: CEL transition rules and `checkUpdate`. */
const transitions: readonly Transition[] = [
  ['a lower fence', { fence: 3 }, { fence: 2 }, 'StaleFence', rules.fenceRises],
  ['a removed fence', { fence: 3 }, {}, 'StaleFence', rules.fenceRises],
  ['Undecided to Revert', undecided, decided('Revert'), 'RecordRegressed', rules.decisionOnce],
  ['Commit to Abort', decided('Commit'), decided('Abort'), 'RecordRegressed', rules.decisionOnce],
  ['Commit to Undecided', decided('Commit'), undecided, 'RecordRegressed', rules.decisionOnce],
  ['a removed Commit', decided('Commit'), {}, 'RecordRegressed', rules.decisionOnce],
  [
    'Commit written again by another',
    decided('Commit'),
    decided('Commit', later),
    'RecordRegressed',
    rules.decisionOnce,
  ],
  ['Abort to Commit', decided('Abort'), decided('Commit'), 'RecordRegressed', rules.decisionOnce],
  ['Abort to Revert', decided('Abort'), decided('Revert'), 'RecordRegressed', rules.decisionOnce],
  ['another stopping', stopping, { stopping: { at: later, by } }, 'RecordRegressed', rules.stoppingOnce],
  ['a removed stopping', stopping, {}, 'RecordRegressed', rules.stoppingOnce],
  ['a target without a fence', { fence: 3 }, { fence: 3, target }, 'RecordRegressed', rules.targetWithFence],
  ['a removed target', { fence: 3, target }, { fence: 4 }, 'RecordRegressed', rules.targetWithFence],
  [
    'another target pod',
    { fence: 3, targetPod },
    { fence: 4, targetPod: { ...targetPod, nodeName: 'gpu-c' } },
    'RecordRegressed',
    rules.podsOnce,
  ],
  ['a removed target pod', { fence: 3, targetPod }, { fence: 4 }, 'RecordRegressed', rules.podsOnce],
  [
    'another source pod',
    { sourcePod },
    { sourcePod: { ...sourcePod, uid: '4f1a-2' } },
    'RecordRegressed',
    rules.podsOnce,
  ],
  ['a removed source pod', { sourcePod }, {}, 'RecordRegressed', rules.podsOnce],
  [
    'another target after Commit',
    { ...decided('Commit'), fence: 3 },
    { ...decided('Commit'), fence: 4, target },
    'RecordRegressed',
    rules.targetWithFence,
  ],
  ['a dead source before the decision', {}, sourceDead, 'RecordRegressed', rules.sourceDeadOnce],
  [
    'a dead source after Abort',
    decided('Abort'),
    { ...decided('Abort'), ...sourceDead },
    'RecordRegressed',
    rules.sourceDeadOnce,
  ],
  [
    'a dead source taken back',
    { ...decided('Commit'), ...sourceDead },
    decided('Commit'),
    'RecordRegressed',
    rules.sourceDeadOnce,
  ],
  [
    'another proof of a dead source',
    { ...decided('Commit'), ...sourceDead },
    { ...decided('Commit'), sourceDead: { ...sourceDead.sourceDead, proof: 'hearsay' } },
    'RecordRegressed',
    rules.sourceDeadOnce,
  ],
  [
    'another target with Commit',
    { fence: 3 },
    { ...decided('Commit'), fence: 4, target },
    'RecordRegressed',
    rules.targetWithFence,
  ],
];

/** Refused for what it says; for the zod side an unreadable record is no fault of the manifest, hence Internal. */
const unreadable: readonly (readonly [
  name: string,
  after: Part,
  messagePart: string,
  refusedBy?: RefusedBy,
])[] = [
  ['an unknown phase', { phase: 'PostCopy' }, 'status.phase'],
  ['a negative fence', { fence: -1 }, 'status.fence'],
  ['a fractional fence', { fence: 1.5 }, 'status.fence'],
  ['a fence that JSON numbers cannot hold', { fence: 2 ** 53 }, 'status.fence'],
  ['an unknown decision', { decision: { value: 'Maybe' } }, 'status.decision.value'],
  ['a decision without a value', { decision: { by } }, 'status.decision.value'],
  ['a stopping without an author', { stopping: { at } }, 'status.stopping.by'],
  ['a stopping whose time is a word', { stopping: { at: 'now', by } }, 'status.stopping.at'],
  ['an unknown device state', { devices: [{ ...device, state: 'Paused' }] }, 'status.devices[0].state'],
  ['a target that nobody was left for', { target: { ...target, abandoned: [] } }, 'status.target.abandoned'],
  [
    'a target pod without a node',
    { targetPod: { name: 'trainer-0-x1', uid: '4f1a-1' } },
    'status.targetPod.nodeName',
  ],
  ['negative bytes', { devices: [{ ...device, bytes: -1 }] }, 'status.devices[0].bytes'],
  ['a progress above 100%', { progress: '101%' }, 'status.progress'],
  ['a downtime without a unit', { downtime: '41' }, 'status.downtime'],
  ['an error code that is a sentence', { error: { code: 'it broke', message: '' } }, 'status.error.code'],
  [
    'a condition without a reason',
    { conditions: [{ type: 'Ready', status: 'True', message: '', lastTransitionTime: at }] },
    'status.conditions[0].reason',
  ],
  ['one device twice', { devices: [device, device] }, 'status.devices[1]', 'api'],
];

export const badUpdates: readonly BadUpdate[] = [
  ...transitions.map(([name, before, after, code, messagePart]): BadUpdate => ({
    name,
    part: 'status',
    before,
    after,
    code,
    messagePart,
    refusedBy: 'both',
  })),
  ...unreadable.map(([name, after, messagePart, refusedBy = 'both']): BadUpdate => ({
    name,
    part: 'status',
    before: {},
    after,
    code: 'Internal',
    messagePart,
    refusedBy,
  })),
  {
    name: 'another target',
    part: 'spec',
    before: {},
    after: { target: { nodeName: 'gpu-c' } },
    code: 'InvalidManifest',
    messagePart: rules.specImmutable,
    refusedBy: 'both',
  },
  {
    name: 'other retries',
    part: 'spec',
    before: { recovery: { retries: 1 } },
    after: { recovery: { retries: 3 } },
    code: 'InvalidManifest',
    messagePart: rules.specImmutable,
    refusedBy: 'both',
  },
];

/** Changes that both sides must let through. */
export const goodUpdates: readonly Update[] = [
  { name: 'a risen fence', part: 'status', before: { fence: 1 }, after: { fence: 2, operator: by } },
  { name: 'Undecided to Commit', part: 'status', before: undecided, after: decided('Commit') },
  { name: 'Undecided to Abort', part: 'status', before: {}, after: decided('Abort') },
  { name: 'Commit to Revert', part: 'status', before: decided('Commit'), after: decided('Revert', later) },
  {
    name: 'a dead source after Commit',
    part: 'status',
    before: decided('Commit'),
    after: { ...decided('Commit'), ...sourceDead },
  },
  {
    name: 'a Revert beside a dead source',
    part: 'status',
    before: { ...decided('Commit'), ...sourceDead },
    after: { ...decided('Revert', later), ...sourceDead },
  },
  {
    name: 'a kept Commit under another phase',
    part: 'status',
    before: decided('Commit'),
    after: { ...decided('Commit'), phase: 'Releasing' },
  },
  { name: 'a target with its fence', part: 'status', before: { fence: 1 }, after: { fence: 2, target } },
  {
    name: 'a kept target with Commit',
    part: 'status',
    before: { fence: 2, target },
    after: { ...decided('Commit'), fence: 2, target },
  },
  { name: 'recorded pods', part: 'status', before: {}, after: { sourcePod, targetPod } },
  {
    name: 'kept pods under another phase',
    part: 'status',
    before: { sourcePod, targetPod },
    after: { sourcePod, targetPod, phase: 'PreCopy' },
  },
  { name: 'a recorded stopping', part: 'status', before: {}, after: stopping },
  {
    name: 'a kept stopping in the next generation',
    part: 'status',
    before: stopping,
    after: { ...stopping, generation: 1, devices: [device] },
  },
  {
    name: 'the same spec with a default written out',
    part: 'spec',
    before: {},
    after: { recovery: { retries: 2 } },
  },
];
