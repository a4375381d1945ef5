import {
  isTombstone,
  step,
  type AgentEvent,
  type AgentState,
  type StepResult,
} from '@transship/node-agent/core';
import { decide, type Action, type Observed } from '@transship/operator/core';
import { production, type Variant } from './variant.ts';

/**
 * The protocol with one rule left out each. The rule is taken away from outside (what an agent is told, what it
 * remembers, what it does on top, what an operator does with its decision), so production carries no switch.
 */
const base = production();
type Before = (state: AgentState, event: AgentEvent) => readonly [AgentState | null, AgentEvent];

const told = (change: Before): Variant => ({
  ...base,
  step: (state, event) => (state === null ? step(state, event) : step(...change(state, event))),
});

const decides = (change: (observed: Observed, action: Action) => Action): Variant => ({
  ...base,
  decide: (observed) => change(observed, decide(observed)),
});

/** What an agent does on top of a transition: an arc of a device that stands idle. */
const doesMore = (
  phase: AgentState['session']['phase'],
  from: string,
  to: 'RunningP2P' | 'Running',
): Variant => ({
  ...base,
  step: (state, event): StepResult => {
    const result = step(state, event);
    const after = result.state;
    if (after === null || after.session.phase !== phase) return result;
    const devices = after.live.devices.map((device) =>
      device.op === null && device.state === from
        ? { ...device, op: { kind: 'arc' as const, to, overdue: false, homeward: false } }
        : device,
    );
    return { ...result, state: { ...after, live: { ...after.live, devices } } };
  },
});

/** A command that begins a session where there is none, whichever it was for. */
const nameless = (event: AgentEvent): AgentEvent =>
  event.kind === 'command' ? { ...event, header: { ...event.header, ticket: '' } } : event;

const withSession = (state: AgentState, change: Partial<AgentState['session']>): AgentState => ({
  ...state,
  session: { ...state.session, ...change },
});

const unseen = (side: Observed['source']): Observed['source'] =>
  side.kind === 'session' ? { ...side, session: { ...side.session, decision: 'Undecided' } } : side;

/** An end as Rejected from what an operator remembers of sessions that were only attached, without their tombstones. */
function rejectsFromMemory({ source, target }: Observed, action: Action): Action {
  const isFenced = (side: Observed['source']): boolean =>
    side.kind === 'session' && side.session.phase === 'Fenced';
  if (action.kind !== 'recordDecision' || action.to !== 'Abort' || !isFenced(source) || !isFenced(target))
    return action;
  return {
    kind: 'finish',
    phase: 'Rejected',
    failure: { code: 'DeviceBusy', message: action.reason, device: null },
  };
}

export const rulesOff = {
  /** An agent obeys whoever speaks, whatever fence it holds. See `sequence`. */
  fence: {
    ...told((state, event) => {
      if (event.kind !== 'command' || event.header.fence >= state.session.fence) return [state, event];
      const { fence, sequence, operator } = state.session;
      return [state, { ...event, header: { ...event.header, fence, operator, sequence: sequence + 1 } }];
    }),
    decide: (observed: Observed): Action => rejectsFromMemory(observed, decide(observed)),
  },
  /** An operator ends the migration as Rejected while an agent may have been told to go on by another. */
  rejectedByTombstones: decides(rejectsFromMemory),
  /**
   * An agent obeys a command that is older than one it obeyed. The tombstones of an attempt that was rejected stand in for
   * this rule and for the fence, so they are left out as well.
   */
  sequence: {
    ...told((state, event) => {
      if (event.kind !== 'command' || event.header.fence !== state.session.fence) return [state, event];
      return [
        withSession(state, { sequence: Math.min(state.session.sequence, event.header.sequence - 1) }),
        event,
      ];
    }),
    decide: (observed: Observed): Action => rejectsFromMemory(observed, decide(observed)),
  },
  /** An agent forgets a migration that has ended on its node, so a late command begins it anew. */
  tombstone: told((state, event) => [
    event.kind === 'command' && event.command.kind !== 'attach' && isTombstone(state.session.phase)
      ? null
      : state,
    nameless(event),
  ]),
  /** Registers are believed: a device that was reset or opened anew is the one that was prepared, and Running is success. */
  incarnation: told((state, event) => {
    if (event.kind === 'incarnationChanged') {
      const devices = state.session.devices.with(event.device, {
        ...(state.session.devices[event.device] as AgentState['session']['devices'][number]),
        incarnation: event.incarnation,
      });
      return [withSession(state, { devices }), event];
    }
    if (event.kind !== 'command' && event.kind !== 'restarted') return [state, event];
    const now = event.observed.devices;
    const devices = state.session.devices.map((bound, index) => ({
      ...bound,
      incarnation: now[index]?.incarnation ?? bound.incarnation,
    }));
    const started = state.session.phase === 'Verified' && now.every((device) => device.state === 'Running');
    return [withSession(state, { devices, ...(started ? { phase: 'Starting' as const } : {}) }), event];
  }),
  /** Commit is recorded when everything has arrived; what the target makes of it is not waited for. */
  verifyFirst: decides(({ source, target }, action) => {
    if (action.kind !== 'commandTarget' || action.command.kind !== 'verify') return action;
    if (source.kind !== 'session' || target.kind !== 'session') return action;
    return { kind: 'recordDecision', from: 'Undecided', to: 'Commit', reason: 'everything has arrived' };
  }),
  /** The target goes to RunningP2P as soon as it has verified, to save the time after the decision. */
  stopUntilCommit: doesMore('Verified', 'Stop', 'RunningP2P'),
  /** Each device of a stopped set goes home by itself. */
  barrierOnTheWayBack: doesMore('RollingBack', 'RunningP2P', 'Running'),
  /** A stopped source is rolled back while the record still says Undecided, and a Commit may land late. */
  abortRecordedFirst: {
    ...base,
    testsVersion: false,
    decide: (observed: Observed): Action => {
      const { source } = observed;
      // Such an order carries no decision, so the journal has seen none that the record could be behind of.
      const action = decide({ ...observed, source: unseen(source) });
      if (action.kind !== 'recordDecision' || action.to !== 'Abort' || source.kind !== 'session')
        return action;
      if (source.session.phase === 'RolledBack') return action;
      return { kind: 'commandSource', command: { kind: 'rollBack', decision: 'Abort' } };
    },
  },
  /** A source agent that was restarted behind its promise brings the set home by itself. */
  promiseOutlivesTheAgent: told((state, event) => {
    const broken = event.kind === 'restarted' && state.session.phase === 'Stopped';
    return [broken ? withSession(state, { phase: 'RollingBack', cameFromStop: true }) : state, event];
  }),
  /** A target that does not answer after Commit is given up for the source. */
  revertOnlyFromTheJournal: decides(({ record, target }, action) => {
    if (record.decision !== 'Commit' || target.kind !== 'unreachable') return action;
    return {
      kind: 'recordDecision',
      from: 'Commit',
      to: 'Revert',
      reason: 'AgentUnreachable: the target is silent',
    };
  }),
  /** What arrived is not compared with what was sent. */
  totalsCompared: told((state, event) => {
    if (event.kind !== 'command' || event.command.kind !== 'verify') return [state, event];
    const expected = state.live.streams.map((stream) => stream.totals);
    return [state, { ...event, command: { ...event.command, expected } }];
  }),
  /** A record is believed, whatever journals and the operator itself have seen of it. */
  recordNeverGoesBack: {
    ...told((state, event) => [withSession(state, { decisionSeen: 'Undecided' }), event]),
    decide: (observed: Observed): Action => {
      const { record, source, target } = observed;
      if (record.decision === 'Commit') return decide(observed);
      return decide({ ...observed, decided: 'Undecided', source: unseen(source), target: unseen(target) });
    },
  },
  /** An end that got no answer is forgotten, and the migration goes on under the fence, which is all that it tests. */
  endFencedOff: { ...base, fencesOffItsEnd: false, testsVersion: false },
} satisfies Record<string, Variant>;

export type Rule = keyof typeof rulesOff;
