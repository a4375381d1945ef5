import type {
  AgentEvent,
  AgentState,
  Decision,
  DeviceOp,
  KnownState,
  Observation,
  Phase,
  Role,
  WorkloadState,
} from '@transship/node-agent/core';
import { step } from '@transship/node-agent/core';
import { Draft } from '@transship/node-agent/internal/core/draft';

type Command = Extract<AgentEvent, { kind: 'command' }>['command'];

const UID = 'm';
const HEADER = { uid: UID, fence: 1, sequence: 1, operator: 'o' };
const WHY = { code: 'ArcFailed', message: 'it failed', device: null };
const DECISIONS: readonly Decision[] = ['Undecided', 'Commit', 'Abort', 'Revert'];
const GENERATIONS = [1, 2];
const WORKLOADS = ['running', 'frozen', 'discarded', 'unknown'] as const satisfies readonly WorkloadState[];
const ASKS_WORKLOAD: ReadonlySet<Command['kind']> = new Set(['prepare', 'activate']);

/** `A -> B`, with the events by which a session may make this step, such as `rollBack Abort` or `restarted`. */
export type Arrows = ReadonlyMap<string, ReadonlySet<string>>;

/**
 * Every change of phase that a session of `role` can make: the production transition is given all commands in any
 * order and everything that may happen to one device and its workload, from each state that this leads to. Each change
 * is seen where it is made (`Draft.enter`), so none is hidden behind another one of the same step.
 */
export function sessionArrows(role: Role): Arrows {
  const arrows = new Map<string, Set<string>>();
  let cause = '';
  const { enter } = Draft.prototype as { enter: (this: Draft, phase: Phase) => void };
  Draft.prototype.enter = function (this: Draft, phase: Phase): void {
    const arrow = `${this.phase} -> ${phase}`;
    if (phase !== this.phase) arrows.set(arrow, (arrows.get(arrow) ?? new Set()).add(cause));
    enter.call(this, phase);
  };
  try {
    explore(role, (event) => {
      cause = nameOf(event);
    });
    return arrows;
  } finally {
    Draft.prototype.enter = enter;
  }
}

function explore(role: Role, onEvent: (event: AgentEvent) => void): void {
  const queue: (AgentState | null)[] = [null];
  const seen = new Set(queue.map(fingerprint));
  for (let state = queue.pop(); state !== undefined; state = queue.pop()) {
    for (const event of events(role, state)) {
      onEvent(event);
      const { state: next } = step(state, event);
      const key = fingerprint(next);
      if (seen.has(key)) continue;
      seen.add(key);
      queue.push(next);
    }
  }
}

function nameOf(event: AgentEvent): string {
  if (event.kind !== 'command') return event.kind;
  const { command } = event;
  return 'decision' in command ? `${command.kind} ${command.decision}` : command.kind;
}

function events(role: Role, state: AgentState | null): AgentEvent[] {
  const header = { ...HEADER, sequence: (state?.session.sequence ?? 0) + 1 };
  const told = commands(role, state).flatMap((command) =>
    // Who binds a set or lets it run looks at the workload first.
    (ASKS_WORKLOAD.has(command.kind) ? WORKLOADS : ([live(state)] as const)).map((workload): AgentEvent => ({
      kind: 'command',
      header,
      role,
      command,
      observed: observation(state, workload, stateOf(state)),
    })),
  );
  return state === null ? told : [...told, ...happenings(state)];
}

const live = (state: AgentState | null): WorkloadState => state?.live.workload ?? 'running';

function commands(role: Role, state: AgentState | null): Command[] {
  const expected = state?.live.streams.map(({ totals }) => totals) ?? [];
  const pull = { endpoint: 'e', node: 'a', ticket: 't', bandwidthLimit: 0 };
  const ofGeneration = GENERATIONS.flatMap((generation): Command[] =>
    role === 'source'
      ? [
          { kind: 'prepare', generation, devices: ['a/0'] },
          { kind: 'preCopy', generation },
          { kind: 'stop', generation },
        ]
      : [
          { kind: 'prepare', generation, devices: ['a/0'], pull },
          { kind: 'verify', generation, expected },
        ],
  );
  const decided = DECISIONS.flatMap((decision): Command[] =>
    role === 'source'
      ? [
          { kind: 'rollBack', decision },
          { kind: 'commit', decision },
          { kind: 'release', decision },
        ]
      : [
          { kind: 'activate', decision },
          { kind: 'discard', decision },
        ],
  );
  const quiesce = [true, false].map((waitOnTimeout): Command => ({
    kind: 'quiesce',
    timeoutMs: 1,
    waitOnTimeout,
  }));
  return [{ kind: 'attach' }, ...ofGeneration, ...decided, ...(role === 'source' ? quiesce : [])];
}

const stateOf = (state: AgentState | null): KnownState => state?.live.devices[0]?.state ?? 'Running';

function observation(state: AgentState | null, workload: WorkloadState, device: KnownState): Observation {
  const seen = {
    id: 'a/0',
    state: device,
    incarnation: state?.session.devices[0]?.incarnation ?? 'i',
    protocol: 'v1',
    p2p: true,
    preCopy: true,
    resetSupported: true,
    unfit: null,
    externals: '',
    boundBy: null,
    quarantined: false,
  };
  return { devices: [seen], workload, workloadDevices: [], ticket: 't' };
}

/** What can happen to a session by itself. */
function happenings({ session, live }: AgentState): AgentEvent[] {
  const state = { session, live };
  const op = live.devices[0]?.op ?? null;
  const at = stateOf(state);
  const generation = live.streaming;
  const streams = live.streams.map((stream) => ({ ...stream, ended: true }));
  const moving: AgentEvent[] =
    generation === 0
      ? []
      : [
          { kind: 'streams', generation, streams },
          { kind: 'streamFailed', generation, failure: WHY },
        ];
  const restarts = [at, ...(op === null ? [] : [reachedBy(op)])].flatMap((device) =>
    WORKLOADS.map((workload): AgentEvent => ({
      kind: 'restarted',
      observed: observation(state, workload, device),
    })),
  );
  return [
    ...(op === null ? elsewhere(session.devices.length) : results(op, at)),
    ...workloadResults(live.workloadOp),
    { kind: 'quiesceDeadline' },
    { kind: 'operatorLost' },
    ...moving,
    ...restarts,
  ];
}

const reachedBy = (op: DeviceOp): KnownState => (op.kind === 'arc' ? op.to : 'Running');

function results(op: DeviceOp, at: KnownState): AgentEvent[] {
  if (op.kind === 'arc') {
    const failed = [at, 'Error', 'Unknown'] as const;
    return [
      { kind: 'arcDone', device: 0, state: op.to, failure: null },
      ...failed.map((state): AgentEvent => ({ kind: 'arcDone', device: 0, state, failure: WHY })),
    ];
  }
  const reset = { kind: 'resetDone', device: 0, incarnation: 'i' } as const;
  return [
    { ...reset, state: 'Running', failure: null },
    { ...reset, state: 'Running', failure: null, afterwards: WHY },
    { ...reset, state: at, failure: WHY },
  ];
}

/** A device that is idle: reset behind our back, silent, back again. */
const elsewhere = (devices: number): AgentEvent[] =>
  devices === 0
    ? []
    : (['i', 'other'] as const).flatMap((incarnation) =>
        (['Running', 'Unknown', 'Stop', 'Error'] as const).map((state): AgentEvent => ({
          kind: 'incarnationChanged',
          device: 0,
          incarnation,
          state,
        })),
      );

function workloadResults(op: AgentState['live']['workloadOp']): AgentEvent[] {
  if (op === null) return [];
  const reached = { freeze: 'frozen', thaw: 'running', discard: 'discarded' } as const;
  return [
    { kind: 'workloadDone', op, state: reached[op], failure: null },
    ...WORKLOADS.map((state): AgentEvent => ({ kind: 'workloadDone', op, state, failure: WHY })),
  ];
}

/** What tells two states apart as far as their future goes. */
function fingerprint(state: AgentState | null): string {
  if (state === null) return '';
  const { session, live } = state;
  const { phase, generation, cameFromStop, decisionSeen } = session;
  const devices = session.devices.map(({ incarnation, ...bound }) => [bound, incarnation === 'i']);
  const ended = live.streams.map((stream) => stream.ended);
  const known = { ...live, streams: ended };
  return JSON.stringify([
    phase,
    generation,
    cameFromStop,
    decisionSeen,
    session.error !== null,
    devices,
    known,
  ]);
}
