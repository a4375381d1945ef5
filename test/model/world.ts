import type { AgentState, KnownState, Role, SourceCommand, TargetCommand } from '@transship/node-agent/core';
import { freshMemory, type Memory, type RecordView } from '@transship/operator/core';

/**
 * The world of the model: record, operators, network, agents, devices and workloads. Operators and agents are
 * the production transitions; everything else here is what surrounds them. A world is a value of six parts, and
 * a move names the parts that it changes, so that what a part does is worked out once however many worlds share it.
 */
export interface World {
  readonly record: Record_;
  readonly operators: readonly [Operator, Operator];
  readonly network: readonly Message[];
  readonly source: Side;
  readonly target: Side;
}

export interface Record_ extends RecordView {
  /** The operator that holds the Lease. */
  readonly lease: 0 | 1;
  /** How the object ended, for the invariants. */
  readonly outcome: { readonly phase: string; readonly code: string | null } | null;
  /** It answers 404. */
  readonly vanished: boolean;
  /** An older state of it came back from a backup. */
  readonly restored: boolean;
  /** Writes that left an operator, were given up, and may land at any later time. */
  readonly writes: readonly Write[];
}

export interface Write {
  /** The fence that the record must have for it to be applied, and old values. */
  readonly fence: number;
  readonly decision?: string;
  readonly stopping?: boolean;
  readonly set: Partial<Record_>;
  /** The record must be as it was read, all of it. */
  readonly asRead: boolean;
}

export interface Operator {
  /** It believes that it is the leader. */
  readonly leader: boolean;
  /** A restarted process is another one; even numbers are of operator 0. */
  readonly instance: number;
  /** `sequence` is not kept here: see `nextSequence`. */
  readonly memory: Memory;
  /** The command whose answer this process waits for. */
  readonly waiting: { readonly role: Role; readonly fence: number; readonly sequence: number } | null;
  /** The command that was refused last: it is not sent again before anything else is seen. */
  readonly refused: string | null;
}

export interface Message {
  readonly role: Role;
  readonly operator: 0 | 1;
  readonly instance: number;
  readonly fence: number;
  readonly sequence: number;
  /** Of the session that it is for; empty: none was known. */
  readonly ticket: string;
  readonly command: SourceCommand | TargetCommand;
}

/** A device as it is, which may be another thing than what its agent believes. */
export interface Device {
  readonly state: KnownState;
  /** Number of resets and re-opens. */
  readonly incarnation: number;
  /**
   * The workload's state in it: `epoch` counts how often the set was started again after a stop, so that an
   * old copy can be told from the living one; `flawed`: something was doubled on the way. null: none.
   */
  readonly contents: { readonly epoch: number; readonly flawed: boolean } | null;
  /** It answers nobody for a while. */
  readonly silent: boolean;
  /** The agent withholds it: it was found not Running and no journal said why. */
  readonly withheld: boolean;
  /** A session of another migration binds it. */
  readonly other: boolean;
}

export interface Side {
  readonly agent: AgentState | null;
  readonly devices: readonly Device[];
  /** As the workload's process is; an incoming one without state is `frozen`. */
  readonly workload: 'running' | 'frozen' | 'discarded';
  /** The process holds the workload's state; one that began anew does not. */
  readonly whole: boolean;
  readonly quiesceArmed: boolean;
  /** Target: every stream of this generation arrived; the copy's epoch. */
  readonly arrived: { readonly generation: number; readonly epoch: number; readonly flawed: boolean } | null;
  /** The agent's journal was lost. */
  readonly journalLost: boolean;
}

export const UID = 'm';
export const OTHER_UID = 'another';
export const DEVICES: Readonly<Record<Role, readonly string[]>> = {
  source: ['a/0', 'a/1'],
  target: ['b/0', 'b/1'],
};

export function initialWorld(): World {
  const operator = (leader: boolean, instance: number): Operator => ({
    leader,
    instance,
    memory: freshMemory,
    waiting: null,
    refused: null,
  });
  const device = (epoch: number | null): Device => ({
    state: 'Running',
    incarnation: 1,
    contents: epoch === null ? null : { epoch, flawed: false },
    silent: false,
    withheld: false,
    other: false,
  });
  const side = (epoch: number | null, workload: Side['workload']): Side => ({
    agent: null,
    devices: [device(epoch), device(epoch)],
    workload,
    whole: epoch !== null,
    quiesceArmed: false,
    arrived: null,
    journalLost: false,
  });
  return {
    record: {
      fence: 0,
      placed: false,
      stopping: false,
      decision: 'Undecided',
      reason: null,
      ended: false,
      deletionRequested: false,
      finalizerPresent: true,
      lease: 0,
      outcome: null,
      vanished: false,
      restored: false,
      writes: [],
    },
    operators: [operator(true, 0), operator(false, 1)],
    network: [],
    source: side(0, 'running'),
    target: side(null, 'frozen'),
  };
}

/** The record by another write: what tests that it is as it was read will not land any more. */
export const rewritten = (record: Record_, set: Partial<Record_>): Record_ => ({
  ...record,
  ...set,
  writes: record.writes.filter(({ asRead }) => !asRead),
});

/** The record is gone: it answers 404, or was let go by its finalizer after its owner had deleted it. */
export const isGone = ({ vanished, deletionRequested, finalizerPresent }: Record_): boolean =>
  vanished || (deletionRequested && !finalizerPresent);

/** Nobody looks after the migration any more: the record is gone, or it has ended and is let go. */
export const unattended = (record: Record_): boolean =>
  isGone(record) || (record.ended && !record.finalizerPresent);

export const withDevice = (side: Side, index: number, change: Partial<Device>): Side => {
  const before = side.devices[index];
  if (before === undefined) throw new RangeError(`no device ${index}`);
  return { ...side, devices: side.devices.with(index, { ...before, ...change }) };
};

/** Reset or opened anew: nothing is left in it. */
export const blank = (side: Side, index: number): Side =>
  withDevice(side, index, {
    state: 'Running',
    incarnation: (side.devices[index]?.incarnation ?? 0) + 1,
    contents: null,
  });

/** One thing that can happen: the parts it changes, and a message that it sends (its sequence is given later). */
export interface Move {
  readonly label: string;
  /** It is a fault of this kind; null: it happens by itself sooner or later. */
  readonly fault: Fault | null;
  readonly to: Change;
  readonly send?: Omit<Message, 'sequence'>;
}

export interface Change {
  readonly record?: Record_;
  readonly operator?: Operator;
  readonly source?: Side;
  readonly target?: Side;
}

/** Every kind of fault, with the sentence that the documentation and the traces use. */
export const FAULTS = {
  operatorCrash: 'an operator process is killed and restarted',
  takeover: 'another operator takes the Lease while the first lives on (or the Lease is deleted)',
  lost: 'no answer comes in time: the command is lost, or late by any time',
  duplicate: 'a command is duplicated, the copy late by any time',
  stalledWrite: 'a write to the record gets no answer, and lands later or never',
  deletion: 'the object is deleted by its owner',
  vanished: 'the record answers 404',
  restored: 'an older state of the record comes back',
  agentCrash: 'an agent is killed and restarted, with calls that were out done or not',
  journalLost: 'an agent is killed and its journal is gone',
  operatorLost: 'an agent hears of no operator for too long',
  deadline: 'the quiesce deadline passes',
  stuck: 'a call to a device outlives its deadline and returns late',
  arcRefused: 'a device refuses an arc',
  deviceError: 'a device goes to ERROR',
  resetFails: 'a RESET fails',
  brokerRestart: 'the devices of a node are opened anew: another incarnation',
  deviceSilent: 'a device answers nobody, and comes back as it was or as another incarnation',
  streamCorrupt: 'a stream is corrupt, and the frames say so',
  replayed: 'a stream is resumed at a wrong position, so that a part of it arrives twice',
  staleNews: 'news of the streams of an older generation come late',
  workloadRefuses: 'a workload refuses to be frozen, thawed or ended, or obeys and does not answer',
  workloadDied: 'the process of a workload ends, or begins anew',
  otherBinds: 'another migration binds a device that this one does not hold',
} as const;

export type Fault = keyof typeof FAULTS;
