import type { CommandHeader, Role, SourceCommand, TargetCommand } from './command.ts';
import type { DeviceState, KnownState } from './device-state.ts';
import type { AgentState, Failure, WorkloadState } from './session.ts';
import type { StreamProgress } from './stream.ts';

/** What the runner must do. Devices are named by their index in the session. */
export type Effect =
  | { readonly kind: 'arc'; readonly device: number; readonly to: DeviceState }
  /** `restore`: what the device had outside of its stream, to be written behind the RESET; empty for nothing. */
  | { readonly kind: 'reset'; readonly device: number; readonly restore: string }
  | { readonly kind: 'freeze' }
  | { readonly kind: 'thaw' }
  | { readonly kind: 'discardWorkload' }
  /** Source: serve the streams of a generation. Idempotent for the same generation. */
  | { readonly kind: 'startSaving'; readonly generation: number }
  /** Source: all devices are stopped, streams may now run to their true end. */
  | { readonly kind: 'drain'; readonly generation: number }
  /** Source: stop serving; what was not sent is dropped. */
  | { readonly kind: 'endSaving' }
  /** Target: make the workload an incoming one and pull the streams into devices that are in Resuming. */
  | { readonly kind: 'startLoading'; readonly generation: number }
  | { readonly kind: 'endLoading' }
  | { readonly kind: 'armQuiesceDeadline'; readonly ms: number }
  | { readonly kind: 'disarmQuiesceDeadline' };

/** What the runner or the model observed. */
export type AgentEvent =
  | {
      readonly kind: 'command';
      readonly header: CommandHeader;
      readonly role: Role;
      readonly command: SourceCommand | TargetCommand;
      readonly observed: Observation;
    }
  | {
      readonly kind: 'arcDone';
      readonly device: number;
      readonly state: KnownState;
      readonly failure: Failure | null;
    }
  | {
      readonly kind: 'resetDone';
      readonly device: number;
      readonly state: KnownState;
      readonly incarnation: string;
      /** RESET itself failed. */
      readonly failure: Failure | null;
      /** RESET was done, and what follows it failed: the device is lost but fit for use. */
      readonly afterwards?: Failure;
    }
  | { readonly kind: 'overdue'; readonly device: number }
  | {
      readonly kind: 'workloadDone';
      readonly op: 'freeze' | 'thaw' | 'discard';
      readonly state: WorkloadState;
      readonly failure: Failure | null;
      /** Thaw at the source: devices by their index that the workload was told to have lost. Absent: all that had. */
      readonly told?: readonly number[];
    }
  | { readonly kind: 'quiesceDeadline' }
  | { readonly kind: 'streams'; readonly generation: number; readonly streams: readonly StreamProgress[] }
  | { readonly kind: 'streamFailed'; readonly generation: number; readonly failure: Failure }
  /** A device was re-opened, reset behind our back, or came back after its server died. */
  | {
      readonly kind: 'incarnationChanged';
      readonly device: number;
      readonly incarnation: string;
      readonly state: KnownState;
    }
  /** No command and no observer for longer than the agent tolerates. */
  | { readonly kind: 'operatorLost' }
  /** The agent process started and found this session in its journal. */
  | { readonly kind: 'restarted'; readonly observed: Observation };

/** The world as the runner found it just before a command, or after a restart; one entry a device of the session (or of the command that makes one). */
export interface Observation {
  readonly devices: readonly ObservedDevice[];
  readonly workload: WorkloadState;
  /** Why the workload that was asked is `unknown`, where that was told. */
  readonly workloadTrouble?: Failure;
  /** Every device of the workloads that the devices belong to; empty where no workload is named. */
  readonly workloadDevices: readonly string[];
  /** Fresh random name for a session that begins with this command. */
  readonly ticket: string;
}

export interface ObservedDevice {
  readonly id: string;
  readonly state: KnownState;
  readonly incarnation: string;
  /** `v1` | `v2`; empty when it was not probed. */
  readonly protocol: string;
  readonly p2p: boolean;
  readonly preCopy: boolean;
  readonly resetSupported: boolean;
  /** Why the device can be part of no migration, or null. */
  readonly unfit: Failure | null;
  /** PCI command and interrupt control, read for a source's `prepare` alone; empty when not read. */
  readonly externals: string;
  /** UID of another session that binds the device, or null. */
  readonly boundBy: string | null;
  readonly quarantined: boolean;
}

/**
 * What a transition amounts to. If `state.session` is another object than before, it is made durable before
 * any effect runs and before anybody is answered. A command that is not obeyed (`refusal`) starts nothing:
 * it changes the accepted (fence, sequence) pair at most, and notes a loss that its observation revealed.
 */
export interface StepResult {
  /** null: the UID is unknown and stays so. */
  readonly state: AgentState | null;
  readonly effects: readonly Effect[];
  readonly refusal: Failure | null;
}
