import type { Decision, PullSource, Role } from './command.ts';
import type { KnownState } from './device-state.ts';
import type { Phase } from './phase.ts';
import type { StreamProgress, StreamTotals } from './stream.ts';

/** The first error since the last accepted command; `code` is one of crds/src/errors.ts. */
export interface Failure {
  readonly code: string;
  readonly message: string;
  /** Device id, or null when it is not of one device. */
  readonly device: string | null;
}

/** A device of the set as the journal knows it. */
export interface BoundDevice {
  readonly id: string;
  /** Boot, broker instance, open and reset count; a device whose incarnation changed has lost its state. */
  readonly incarnation: string;
  /** `v1` | `v2` */
  readonly protocol: string;
  readonly p2p: boolean;
  /** It can be copied while it runs. */
  readonly preCopy: boolean;
  /** Source: PCI command and interrupt control as read at `prepare`; RESET clears them (V2-27). Empty: not read. */
  readonly externals: string;
  /** Reset, re-opened or in Error: its state is gone, whatever its register says. */
  readonly lost: boolean;
  /** RESET failed: never handed out. */
  readonly quarantined: boolean;
  /** Source: it was lost, and the workload that goes on with it has not been told yet. */
  readonly untold?: boolean;
}

/** The journalled half of a session: written durably before any effect of the change that made it. */
export interface Session {
  readonly uid: string;
  readonly role: Role;
  readonly fence: number;
  readonly sequence: number;
  readonly operator: string;
  readonly phase: Phase;
  readonly generation: number;
  readonly devices: readonly BoundDevice[];
  /** Names this session for good; a source asks a puller for it. Sessions of earlier versions may have none. */
  readonly ticket: string;
  readonly pull: PullSource | null;
  /** Source: the way back started after `stop` was journalled, so it passes both barriers. */
  readonly cameFromStop: boolean;
  readonly decisionSeen: Decision;
  readonly error: Failure | null;
  readonly quiesceTimeouts: number;
  /** Source, from Stopped on: what every stream of `generation` amounted to; part of the promise. */
  readonly promised: readonly StreamTotals[];
}

export type WorkloadState = 'running' | 'frozen' | 'discarded' | 'unknown';

/** One operation that is out on a device and has not returned. */
export type DeviceOp =
  | {
      readonly kind: 'arc';
      readonly to: KnownState;
      readonly overdue: boolean;
      /** Source: ordered on the way back, where a refusal leaves nothing but RESET. */
      readonly homeward: boolean;
    }
  | { readonly kind: 'reset'; readonly overdue: boolean };

export interface LiveDevice {
  readonly state: KnownState;
  readonly op: DeviceOp | null;
  /** Generation in which the device's open saving session was opened; 0 when none is, or it is not ours. */
  readonly savingGeneration: number;
  /** Target: RESET since the last prepare or discard, so nothing of an earlier session is left in it. */
  readonly cleared: boolean;
}

/** The half of a session that a restart forgets. Every field can be observed again. */
export interface Live {
  readonly devices: readonly LiveDevice[];
  readonly workload: WorkloadState;
  readonly workloadOp: 'freeze' | 'thaw' | 'discard' | null;
  /** Source: the generation whose streams are being served. Target: the one being loaded. 0: none. */
  readonly streaming: number;
  /** Source: streams of `streaming` were told to run to their true end. */
  readonly draining: boolean;
  readonly streams: readonly StreamProgress[];
  /** Source: deadline policy of the running quiesce. */
  readonly waitOnTimeout: boolean;
  /** Source: generation whose streams died with an earlier process of this agent; 0: none. It is never served again. */
  readonly lostGeneration: number;
  /** The phase waits for a command: an error stopped it, or the process was restarted in it. */
  readonly halted: boolean;
}

export interface AgentState {
  readonly session: Session;
  readonly live: Live;
}
