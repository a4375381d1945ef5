/** All that the operator may know of an agent. No server code is reachable from here. */
export type {
  CommandHeader,
  Decision,
  PullSource,
  Role,
  SourceCommand,
  TargetCommand,
} from '../core/command.ts';
export type { DeviceState, KnownState } from '../core/device-state.ts';
export type { Phase, SourcePhase, TargetPhase } from '../core/phase.ts';
export type { Failure } from '../core/session.ts';
export type { StreamId, StreamKind, StreamProgress, StreamTotals } from '../core/stream.ts';
export { AgentCallError } from './call-error.ts';
export { createAgentClient } from './client.ts';
export type { AgentClient, AgentClientOptions } from './client.ts';
export type { CommandReply, CommandRequest } from './command-request.ts';
export { CONTRACT_VERSION, versionSkew } from './contract-version.ts';
export type {
  DeviceDescription,
  DeviceHealth,
  DeviceTopology,
  NodeDescription,
  PodReference,
  PodResources,
  UnknownDevice,
} from './description.ts';
export { OPERATOR_IDENTITY, nodeIdentity } from './identity.ts';
export type { EndQuarantineReply } from './recovery.ts';
export type { DeviceSnapshot, SessionSnapshot } from '../core/snapshot.ts';
export { unknownSession } from './session-snapshot.ts';
export { loadTls, tlsRevision } from './tls.ts';
export type { TlsFiles, TlsMaterial } from './tls.ts';
