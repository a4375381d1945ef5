import type {
  Action,
  Observed,
  Placement,
  Plan,
  RecordView,
  SessionView,
  SideView,
} from '@transship/operator/core';
import { decide, failure } from '@transship/operator/core';
import { endedStreams, totalsOf } from '../../../support/core-facts.ts';

export const FENCE = 4;

export const PLAN: Plan = {
  sourceNode: 'node-a',
  preCopy: true,
  waitOnDeadline: false,
  quiesceTimeoutMs: 2000,
  bandwidthLimit: 1000,
  retries: 1,
};

export const RECORD: RecordView = {
  fence: FENCE,
  placed: true,
  stopping: false,
  decision: 'Undecided',
  reason: null,
  ended: false,
  deletionRequested: false,
  finalizerPresent: true,
};

export const PLACED: Placement = {
  kind: 'placed',
  sourceDevices: ['source/0', 'source/1'],
  targetDevices: ['target/0', 'target/1'],
  sourceEndpoint: 'node-a:7443',
};

/** A session of two whole devices in a phase; `Fenced` knows nothing of devices. */
export function session(
  role: 'source' | 'target',
  phase: SessionView['phase'],
  change: Partial<SessionView> = {},
): SessionView {
  const device = (id: string): SessionView['devices'][number] => ({
    id,
    state: 'Running',
    lost: false,
    quarantined: false,
    stuck: false,
    preCopy: true,
    protocol: 'v1',
  });
  const known = phase !== 'Fenced';
  return {
    uid: 'a-migration',
    role,
    fence: FENCE,
    sequence: 1,
    phase,
    generation: known ? 1 : 0,
    settled: true,
    error: null,
    devices: known ? [device(`${role}/0`), device(`${role}/1`)] : [],
    streams: endedStreams(totalsOf(2, 1)),
    ticket: 'ticket',
    decision: 'Undecided',
    quiesceTimeouts: 0,
    takesCommit: true,
    ...change,
  };
}

export const source = (phase: SessionView['phase'], change: Partial<SessionView> = {}): SessionView =>
  session('source', phase, change);
export const target = (phase: SessionView['phase'], change: Partial<SessionView> = {}): SessionView =>
  session('target', phase, change);

/** The same session with one device changed. */
export function withDevice(
  view: SessionView,
  index: number,
  change: Partial<SessionView['devices'][number]>,
): SessionView {
  return {
    ...view,
    devices: view.devices.map((device, at) => (at === index ? { ...device, ...change } : device)),
  };
}

export const failed = (code: Parameters<typeof failure>[0]): Partial<SessionView> => ({
  error: failure(code, `${code} of the test`),
});

export const UNREACHABLE: SideView = {
  kind: 'unreachable',
  failure: failure('AgentUnreachable', 'no answer'),
};

type Side = SessionView | SideView;

const side = (given: Side): SideView =>
  'kind' in given ? given : { kind: 'session', session: given, refusal: null };

interface Given {
  readonly record?: Partial<RecordView>;
  readonly plan?: Observed['plan'];
  readonly held?: number | null;
  readonly superseded?: boolean;
  readonly decided?: Observed['decided'];
  readonly placement?: Placement;
  readonly preCopyDone?: boolean;
  readonly quiescePauses?: boolean;
  readonly expired?: Observed['expired'];
  readonly targetFenced?: boolean;
  readonly nextTarget?: Observed['nextTarget'];
  readonly left?: NonNullable<Observed['left']>;
  readonly sourceFenced?: boolean;
}

/** Everything observed: both sides attached under the held fence, nothing recorded yet, unless given otherwise. */
export const observe = (s: Side, t: Side, given: Given = {}): Observed => ({
  plan: given.plan ?? PLAN,
  record: { ...RECORD, ...given.record },
  held: given.held === undefined ? FENCE : given.held,
  superseded: given.superseded ?? false,
  source: side(s),
  target: side(t),
  placement: given.placement ?? PLACED,
  preCopyDone: given.preCopyDone ?? false,
  quiescePauses: given.quiescePauses ?? false,
  decided: given.decided ?? 'Undecided',
  expired: given.expired ?? null,
  targetFenced: given.targetFenced ?? false,
  nextTarget: given.nextTarget ?? null,
  left: given.left ?? [],
  sourceFenced: given.sourceFenced ?? false,
});

export const next = (s: Side, t: Side, given: Given = {}): Action => decide(observe(s, t, given));
