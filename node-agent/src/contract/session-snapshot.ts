import type { Decision, Role } from '../core/command.ts';
import type { KnownState } from '../core/device-state.ts';
import type { Phase } from '../core/phase.ts';
import type { Failure } from '../core/session.ts';
import type { StreamProgress } from '../core/stream.ts';

export interface DeviceSnapshot {
  readonly id: string;
  readonly state: KnownState;
  /** RESET, re-opened or in Error: its state is gone. */
  readonly lost: boolean;
  /** RESET failed; the device is withheld. */
  readonly quarantined: boolean;
  /** A call on the device has outlived its deadline and has not returned. */
  readonly stuck: boolean;
}

/** One session as its agent tells it. Fence 0: the agent has never heard of the migration. */
export interface SessionSnapshot {
  readonly uid: string;
  readonly role: Role;
  readonly fence: number;
  readonly sequence: number;
  readonly phase: Phase;
  readonly generation: number;
  /** Nothing is under way: the phase changes only by a command (or a loss). */
  readonly settled: boolean;
  /** The first error since the last accepted command. */
  readonly error: Failure | null;
  readonly devices: readonly DeviceSnapshot[];
  readonly streams: readonly StreamProgress[];
  /** Source: what the target must present; else empty. */
  readonly ticket: string;
  readonly decision: Decision;
  /** How often barrier A was given up (deadline policy Wait). */
  readonly quiesceTimeouts: number;
  /** Grows with every change within one agent process; with `agentInstance` it orders snapshots. */
  readonly version: number;
  readonly agentInstance: string;
}

/** What an agent says of a migration it has never heard of. */
export function unknownSession(uid: string, role: Role, agentInstance: string): SessionSnapshot {
  return {
    uid,
    role,
    fence: 0,
    sequence: 0,
    phase: 'Fenced',
    generation: 0,
    settled: true,
    error: null,
    devices: [],
    streams: [],
    ticket: '',
    decision: 'Undecided',
    quiesceTimeouts: 0,
    version: 0,
    agentInstance,
  };
}
