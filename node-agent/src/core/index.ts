export type { CommandHeader, Decision, PullSource, Role, SourceCommand, TargetCommand } from './command.ts';
export { arcs, initiatesDma, takesDma, type DeviceState, type KnownState } from './device-state.ts';
export type { AgentEvent, Effect, Observation, ObservedDevice, StepResult } from './effects.ts';
export { bindsDevices, isTombstone, type Phase, type SourcePhase, type TargetPhase } from './phase.ts';
export type {
  AgentState,
  BoundDevice,
  DeviceOp,
  Failure,
  Live,
  LiveDevice,
  Session,
  WorkloadState,
} from './session.ts';
export { settled, view, type DeviceSnapshot, type SessionSnapshot, type SessionView } from './snapshot.ts';
export { step } from './step.ts';
export {
  streamsOfSet,
  type StreamId,
  type StreamKind,
  type StreamProgress,
  type StreamTotals,
} from './stream.ts';
