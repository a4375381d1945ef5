// Original file: proto/transship/agent/v1alpha1/agent.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { ActivateRequest as _transship_agent_v1alpha1_ActivateRequest, ActivateRequest__Output as _transship_agent_v1alpha1_ActivateRequest__Output } from '../../../transship/agent/v1alpha1/ActivateRequest.ts';
import type { AttachRequest as _transship_agent_v1alpha1_AttachRequest, AttachRequest__Output as _transship_agent_v1alpha1_AttachRequest__Output } from '../../../transship/agent/v1alpha1/AttachRequest.ts';
import type { CommandReply as _transship_agent_v1alpha1_CommandReply, CommandReply__Output as _transship_agent_v1alpha1_CommandReply__Output } from '../../../transship/agent/v1alpha1/CommandReply.ts';
import type { CommitRequest as _transship_agent_v1alpha1_CommitRequest, CommitRequest__Output as _transship_agent_v1alpha1_CommitRequest__Output } from '../../../transship/agent/v1alpha1/CommitRequest.ts';
import type { DescribeDevicesRequest as _transship_agent_v1alpha1_DescribeDevicesRequest, DescribeDevicesRequest__Output as _transship_agent_v1alpha1_DescribeDevicesRequest__Output } from '../../../transship/agent/v1alpha1/DescribeDevicesRequest.ts';
import type { DescribeDevicesResponse as _transship_agent_v1alpha1_DescribeDevicesResponse, DescribeDevicesResponse__Output as _transship_agent_v1alpha1_DescribeDevicesResponse__Output } from '../../../transship/agent/v1alpha1/DescribeDevicesResponse.ts';
import type { DiscardRequest as _transship_agent_v1alpha1_DiscardRequest, DiscardRequest__Output as _transship_agent_v1alpha1_DiscardRequest__Output } from '../../../transship/agent/v1alpha1/DiscardRequest.ts';
import type { EndQuarantineRequest as _transship_agent_v1alpha1_EndQuarantineRequest, EndQuarantineRequest__Output as _transship_agent_v1alpha1_EndQuarantineRequest__Output } from '../../../transship/agent/v1alpha1/EndQuarantineRequest.ts';
import type { EndQuarantineResponse as _transship_agent_v1alpha1_EndQuarantineResponse, EndQuarantineResponse__Output as _transship_agent_v1alpha1_EndQuarantineResponse__Output } from '../../../transship/agent/v1alpha1/EndQuarantineResponse.ts';
import type { ListSessionsRequest as _transship_agent_v1alpha1_ListSessionsRequest, ListSessionsRequest__Output as _transship_agent_v1alpha1_ListSessionsRequest__Output } from '../../../transship/agent/v1alpha1/ListSessionsRequest.ts';
import type { ListSessionsResponse as _transship_agent_v1alpha1_ListSessionsResponse, ListSessionsResponse__Output as _transship_agent_v1alpha1_ListSessionsResponse__Output } from '../../../transship/agent/v1alpha1/ListSessionsResponse.ts';
import type { ObserveRequest as _transship_agent_v1alpha1_ObserveRequest, ObserveRequest__Output as _transship_agent_v1alpha1_ObserveRequest__Output } from '../../../transship/agent/v1alpha1/ObserveRequest.ts';
import type { PreCopyRequest as _transship_agent_v1alpha1_PreCopyRequest, PreCopyRequest__Output as _transship_agent_v1alpha1_PreCopyRequest__Output } from '../../../transship/agent/v1alpha1/PreCopyRequest.ts';
import type { PrepareRequest as _transship_agent_v1alpha1_PrepareRequest, PrepareRequest__Output as _transship_agent_v1alpha1_PrepareRequest__Output } from '../../../transship/agent/v1alpha1/PrepareRequest.ts';
import type { QuiesceRequest as _transship_agent_v1alpha1_QuiesceRequest, QuiesceRequest__Output as _transship_agent_v1alpha1_QuiesceRequest__Output } from '../../../transship/agent/v1alpha1/QuiesceRequest.ts';
import type { ReleaseRequest as _transship_agent_v1alpha1_ReleaseRequest, ReleaseRequest__Output as _transship_agent_v1alpha1_ReleaseRequest__Output } from '../../../transship/agent/v1alpha1/ReleaseRequest.ts';
import type { RollBackRequest as _transship_agent_v1alpha1_RollBackRequest, RollBackRequest__Output as _transship_agent_v1alpha1_RollBackRequest__Output } from '../../../transship/agent/v1alpha1/RollBackRequest.ts';
import type { SessionSnapshot as _transship_agent_v1alpha1_SessionSnapshot, SessionSnapshot__Output as _transship_agent_v1alpha1_SessionSnapshot__Output } from '../../../transship/agent/v1alpha1/SessionSnapshot.ts';
import type { StopRequest as _transship_agent_v1alpha1_StopRequest, StopRequest__Output as _transship_agent_v1alpha1_StopRequest__Output } from '../../../transship/agent/v1alpha1/StopRequest.ts';
import type { VerifyRequest as _transship_agent_v1alpha1_VerifyRequest, VerifyRequest__Output as _transship_agent_v1alpha1_VerifyRequest__Output } from '../../../transship/agent/v1alpha1/VerifyRequest.ts';

export interface DeviceAgentClient extends grpc.Client {
  Activate(argument: _transship_agent_v1alpha1_ActivateRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_transship_agent_v1alpha1_CommandReply__Output>): grpc.ClientUnaryCall;
  Activate(argument: _transship_agent_v1alpha1_ActivateRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_transship_agent_v1alpha1_CommandReply__Output>): grpc.ClientUnaryCall;
  Activate(argument: _transship_agent_v1alpha1_ActivateRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_transship_agent_v1alpha1_CommandReply__Output>): grpc.ClientUnaryCall;
  Activate(argument: _transship_agent_v1alpha1_ActivateRequest, callback: grpc.requestCallback<_transship_agent_v1alpha1_CommandReply__Output>): grpc.ClientUnaryCall;
  activate(argument: _transship_agent_v1alpha1_ActivateRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_transship_agent_v1alpha1_CommandReply__Output>): grpc.ClientUnaryCall;
  activate(argument: _transship_agent_v1alpha1_ActivateRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_transship_agent_v1alpha1_CommandReply__Output>): grpc.ClientUnaryCall;
  activate(argument: _transship_agent_v1alpha1_ActivateRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_transship_agent_v1alpha1_CommandReply__Output>): grpc.ClientUnaryCall;
  activate(argument: _transship_agent_v1alpha1_ActivateRequest, callback: grpc.requestCallback<_transship_agent_v1alpha1_CommandReply__Output>): grpc.ClientUnaryCall;
  
  Attach(argument: _transship_agent_v1alpha1_AttachRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_transship_agent_v1alpha1_CommandReply__Output>): grpc.ClientUnaryCall;
  Attach(argument: _transship_agent_v1alpha1_AttachRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_transship_agent_v1alpha1_CommandReply__Output>): grpc.ClientUnaryCall;
  Attach(argument: _transship_agent_v1alpha1_AttachRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_transship_agent_v1alpha1_CommandReply__Output>): grpc.ClientUnaryCall;
  Attach(argument: _transship_agent_v1alpha1_AttachRequest, callback: grpc.requestCallback<_transship_agent_v1alpha1_CommandReply__Output>): grpc.ClientUnaryCall;
  attach(argument: _transship_agent_v1alpha1_AttachRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_transship_agent_v1alpha1_CommandReply__Output>): grpc.ClientUnaryCall;
  attach(argument: _transship_agent_v1alpha1_AttachRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_transship_agent_v1alpha1_CommandReply__Output>): grpc.ClientUnaryCall;
  attach(argument: _transship_agent_v1alpha1_AttachRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_transship_agent_v1alpha1_CommandReply__Output>): grpc.ClientUnaryCall;
  attach(argument: _transship_agent_v1alpha1_AttachRequest, callback: grpc.requestCallback<_transship_agent_v1alpha1_CommandReply__Output>): grpc.ClientUnaryCall;
  
  Commit(argument: _transship_agent_v1alpha1_CommitRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_transship_agent_v1alpha1_CommandReply__Output>): grpc.ClientUnaryCall;
  Commit(argument: _transship_agent_v1alpha1_CommitRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_transship_agent_v1alpha1_CommandReply__Output>): grpc.ClientUnaryCall;
  Commit(argument: _transship_agent_v1alpha1_CommitRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_transship_agent_v1alpha1_CommandReply__Output>): grpc.ClientUnaryCall;
  Commit(argument: _transship_agent_v1alpha1_CommitRequest, callback: grpc.requestCallback<_transship_agent_v1alpha1_CommandReply__Output>): grpc.ClientUnaryCall;
  commit(argument: _transship_agent_v1alpha1_CommitRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_transship_agent_v1alpha1_CommandReply__Output>): grpc.ClientUnaryCall;
  commit(argument: _transship_agent_v1alpha1_CommitRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_transship_agent_v1alpha1_CommandReply__Output>): grpc.ClientUnaryCall;
  commit(argument: _transship_agent_v1alpha1_CommitRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_transship_agent_v1alpha1_CommandReply__Output>): grpc.ClientUnaryCall;
  commit(argument: _transship_agent_v1alpha1_CommitRequest, callback: grpc.requestCallback<_transship_agent_v1alpha1_CommandReply__Output>): grpc.ClientUnaryCall;
  
  DescribeDevices(argument: _transship_agent_v1alpha1_DescribeDevicesRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_transship_agent_v1alpha1_DescribeDevicesResponse__Output>): grpc.ClientUnaryCall;
  DescribeDevices(argument: _transship_agent_v1alpha1_DescribeDevicesRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_transship_agent_v1alpha1_DescribeDevicesResponse__Output>): grpc.ClientUnaryCall;
  DescribeDevices(argument: _transship_agent_v1alpha1_DescribeDevicesRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_transship_agent_v1alpha1_DescribeDevicesResponse__Output>): grpc.ClientUnaryCall;
  DescribeDevices(argument: _transship_agent_v1alpha1_DescribeDevicesRequest, callback: grpc.requestCallback<_transship_agent_v1alpha1_DescribeDevicesResponse__Output>): grpc.ClientUnaryCall;
  describeDevices(argument: _transship_agent_v1alpha1_DescribeDevicesRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_transship_agent_v1alpha1_DescribeDevicesResponse__Output>): grpc.ClientUnaryCall;
  describeDevices(argument: _transship_agent_v1alpha1_DescribeDevicesRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_transship_agent_v1alpha1_DescribeDevicesResponse__Output>): grpc.ClientUnaryCall;
  describeDevices(argument: _transship_agent_v1alpha1_DescribeDevicesRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_transship_agent_v1alpha1_DescribeDevicesResponse__Output>): grpc.ClientUnaryCall;
  describeDevices(argument: _transship_agent_v1alpha1_DescribeDevicesRequest, callback: grpc.requestCallback<_transship_agent_v1alpha1_DescribeDevicesResponse__Output>): grpc.ClientUnaryCall;
  
  Discard(argument: _transship_agent_v1alpha1_DiscardRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_transship_agent_v1alpha1_CommandReply__Output>): grpc.ClientUnaryCall;
  Discard(argument: _transship_agent_v1alpha1_DiscardRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_transship_agent_v1alpha1_CommandReply__Output>): grpc.ClientUnaryCall;
  Discard(argument: _transship_agent_v1alpha1_DiscardRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_transship_agent_v1alpha1_CommandReply__Output>): grpc.ClientUnaryCall;
  Discard(argument: _transship_agent_v1alpha1_DiscardRequest, callback: grpc.requestCallback<_transship_agent_v1alpha1_CommandReply__Output>): grpc.ClientUnaryCall;
  discard(argument: _transship_agent_v1alpha1_DiscardRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_transship_agent_v1alpha1_CommandReply__Output>): grpc.ClientUnaryCall;
  discard(argument: _transship_agent_v1alpha1_DiscardRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_transship_agent_v1alpha1_CommandReply__Output>): grpc.ClientUnaryCall;
  discard(argument: _transship_agent_v1alpha1_DiscardRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_transship_agent_v1alpha1_CommandReply__Output>): grpc.ClientUnaryCall;
  discard(argument: _transship_agent_v1alpha1_DiscardRequest, callback: grpc.requestCallback<_transship_agent_v1alpha1_CommandReply__Output>): grpc.ClientUnaryCall;
  
  EndQuarantine(argument: _transship_agent_v1alpha1_EndQuarantineRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_transship_agent_v1alpha1_EndQuarantineResponse__Output>): grpc.ClientUnaryCall;
  EndQuarantine(argument: _transship_agent_v1alpha1_EndQuarantineRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_transship_agent_v1alpha1_EndQuarantineResponse__Output>): grpc.ClientUnaryCall;
  EndQuarantine(argument: _transship_agent_v1alpha1_EndQuarantineRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_transship_agent_v1alpha1_EndQuarantineResponse__Output>): grpc.ClientUnaryCall;
  EndQuarantine(argument: _transship_agent_v1alpha1_EndQuarantineRequest, callback: grpc.requestCallback<_transship_agent_v1alpha1_EndQuarantineResponse__Output>): grpc.ClientUnaryCall;
  endQuarantine(argument: _transship_agent_v1alpha1_EndQuarantineRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_transship_agent_v1alpha1_EndQuarantineResponse__Output>): grpc.ClientUnaryCall;
  endQuarantine(argument: _transship_agent_v1alpha1_EndQuarantineRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_transship_agent_v1alpha1_EndQuarantineResponse__Output>): grpc.ClientUnaryCall;
  endQuarantine(argument: _transship_agent_v1alpha1_EndQuarantineRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_transship_agent_v1alpha1_EndQuarantineResponse__Output>): grpc.ClientUnaryCall;
  endQuarantine(argument: _transship_agent_v1alpha1_EndQuarantineRequest, callback: grpc.requestCallback<_transship_agent_v1alpha1_EndQuarantineResponse__Output>): grpc.ClientUnaryCall;
  
  ListSessions(argument: _transship_agent_v1alpha1_ListSessionsRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_transship_agent_v1alpha1_ListSessionsResponse__Output>): grpc.ClientUnaryCall;
  ListSessions(argument: _transship_agent_v1alpha1_ListSessionsRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_transship_agent_v1alpha1_ListSessionsResponse__Output>): grpc.ClientUnaryCall;
  ListSessions(argument: _transship_agent_v1alpha1_ListSessionsRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_transship_agent_v1alpha1_ListSessionsResponse__Output>): grpc.ClientUnaryCall;
  ListSessions(argument: _transship_agent_v1alpha1_ListSessionsRequest, callback: grpc.requestCallback<_transship_agent_v1alpha1_ListSessionsResponse__Output>): grpc.ClientUnaryCall;
  listSessions(argument: _transship_agent_v1alpha1_ListSessionsRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_transship_agent_v1alpha1_ListSessionsResponse__Output>): grpc.ClientUnaryCall;
  listSessions(argument: _transship_agent_v1alpha1_ListSessionsRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_transship_agent_v1alpha1_ListSessionsResponse__Output>): grpc.ClientUnaryCall;
  listSessions(argument: _transship_agent_v1alpha1_ListSessionsRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_transship_agent_v1alpha1_ListSessionsResponse__Output>): grpc.ClientUnaryCall;
  listSessions(argument: _transship_agent_v1alpha1_ListSessionsRequest, callback: grpc.requestCallback<_transship_agent_v1alpha1_ListSessionsResponse__Output>): grpc.ClientUnaryCall;
  
  Observe(argument: _transship_agent_v1alpha1_ObserveRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_transship_agent_v1alpha1_SessionSnapshot__Output>;
  Observe(argument: _transship_agent_v1alpha1_ObserveRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_transship_agent_v1alpha1_SessionSnapshot__Output>;
  observe(argument: _transship_agent_v1alpha1_ObserveRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_transship_agent_v1alpha1_SessionSnapshot__Output>;
  observe(argument: _transship_agent_v1alpha1_ObserveRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_transship_agent_v1alpha1_SessionSnapshot__Output>;
  
  PreCopy(argument: _transship_agent_v1alpha1_PreCopyRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_transship_agent_v1alpha1_CommandReply__Output>): grpc.ClientUnaryCall;
  PreCopy(argument: _transship_agent_v1alpha1_PreCopyRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_transship_agent_v1alpha1_CommandReply__Output>): grpc.ClientUnaryCall;
  PreCopy(argument: _transship_agent_v1alpha1_PreCopyRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_transship_agent_v1alpha1_CommandReply__Output>): grpc.ClientUnaryCall;
  PreCopy(argument: _transship_agent_v1alpha1_PreCopyRequest, callback: grpc.requestCallback<_transship_agent_v1alpha1_CommandReply__Output>): grpc.ClientUnaryCall;
  preCopy(argument: _transship_agent_v1alpha1_PreCopyRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_transship_agent_v1alpha1_CommandReply__Output>): grpc.ClientUnaryCall;
  preCopy(argument: _transship_agent_v1alpha1_PreCopyRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_transship_agent_v1alpha1_CommandReply__Output>): grpc.ClientUnaryCall;
  preCopy(argument: _transship_agent_v1alpha1_PreCopyRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_transship_agent_v1alpha1_CommandReply__Output>): grpc.ClientUnaryCall;
  preCopy(argument: _transship_agent_v1alpha1_PreCopyRequest, callback: grpc.requestCallback<_transship_agent_v1alpha1_CommandReply__Output>): grpc.ClientUnaryCall;
  
  Prepare(argument: _transship_agent_v1alpha1_PrepareRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_transship_agent_v1alpha1_CommandReply__Output>): grpc.ClientUnaryCall;
  Prepare(argument: _transship_agent_v1alpha1_PrepareRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_transship_agent_v1alpha1_CommandReply__Output>): grpc.ClientUnaryCall;
  Prepare(argument: _transship_agent_v1alpha1_PrepareRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_transship_agent_v1alpha1_CommandReply__Output>): grpc.ClientUnaryCall;
  Prepare(argument: _transship_agent_v1alpha1_PrepareRequest, callback: grpc.requestCallback<_transship_agent_v1alpha1_CommandReply__Output>): grpc.ClientUnaryCall;
  prepare(argument: _transship_agent_v1alpha1_PrepareRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_transship_agent_v1alpha1_CommandReply__Output>): grpc.ClientUnaryCall;
  prepare(argument: _transship_agent_v1alpha1_PrepareRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_transship_agent_v1alpha1_CommandReply__Output>): grpc.ClientUnaryCall;
  prepare(argument: _transship_agent_v1alpha1_PrepareRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_transship_agent_v1alpha1_CommandReply__Output>): grpc.ClientUnaryCall;
  prepare(argument: _transship_agent_v1alpha1_PrepareRequest, callback: grpc.requestCallback<_transship_agent_v1alpha1_CommandReply__Output>): grpc.ClientUnaryCall;
  
  Quiesce(argument: _transship_agent_v1alpha1_QuiesceRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_transship_agent_v1alpha1_CommandReply__Output>): grpc.ClientUnaryCall;
  Quiesce(argument: _transship_agent_v1alpha1_QuiesceRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_transship_agent_v1alpha1_CommandReply__Output>): grpc.ClientUnaryCall;
  Quiesce(argument: _transship_agent_v1alpha1_QuiesceRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_transship_agent_v1alpha1_CommandReply__Output>): grpc.ClientUnaryCall;
  Quiesce(argument: _transship_agent_v1alpha1_QuiesceRequest, callback: grpc.requestCallback<_transship_agent_v1alpha1_CommandReply__Output>): grpc.ClientUnaryCall;
  quiesce(argument: _transship_agent_v1alpha1_QuiesceRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_transship_agent_v1alpha1_CommandReply__Output>): grpc.ClientUnaryCall;
  quiesce(argument: _transship_agent_v1alpha1_QuiesceRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_transship_agent_v1alpha1_CommandReply__Output>): grpc.ClientUnaryCall;
  quiesce(argument: _transship_agent_v1alpha1_QuiesceRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_transship_agent_v1alpha1_CommandReply__Output>): grpc.ClientUnaryCall;
  quiesce(argument: _transship_agent_v1alpha1_QuiesceRequest, callback: grpc.requestCallback<_transship_agent_v1alpha1_CommandReply__Output>): grpc.ClientUnaryCall;
  
  Release(argument: _transship_agent_v1alpha1_ReleaseRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_transship_agent_v1alpha1_CommandReply__Output>): grpc.ClientUnaryCall;
  Release(argument: _transship_agent_v1alpha1_ReleaseRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_transship_agent_v1alpha1_CommandReply__Output>): grpc.ClientUnaryCall;
  Release(argument: _transship_agent_v1alpha1_ReleaseRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_transship_agent_v1alpha1_CommandReply__Output>): grpc.ClientUnaryCall;
  Release(argument: _transship_agent_v1alpha1_ReleaseRequest, callback: grpc.requestCallback<_transship_agent_v1alpha1_CommandReply__Output>): grpc.ClientUnaryCall;
  release(argument: _transship_agent_v1alpha1_ReleaseRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_transship_agent_v1alpha1_CommandReply__Output>): grpc.ClientUnaryCall;
  release(argument: _transship_agent_v1alpha1_ReleaseRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_transship_agent_v1alpha1_CommandReply__Output>): grpc.ClientUnaryCall;
  release(argument: _transship_agent_v1alpha1_ReleaseRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_transship_agent_v1alpha1_CommandReply__Output>): grpc.ClientUnaryCall;
  release(argument: _transship_agent_v1alpha1_ReleaseRequest, callback: grpc.requestCallback<_transship_agent_v1alpha1_CommandReply__Output>): grpc.ClientUnaryCall;
  
  RollBack(argument: _transship_agent_v1alpha1_RollBackRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_transship_agent_v1alpha1_CommandReply__Output>): grpc.ClientUnaryCall;
  RollBack(argument: _transship_agent_v1alpha1_RollBackRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_transship_agent_v1alpha1_CommandReply__Output>): grpc.ClientUnaryCall;
  RollBack(argument: _transship_agent_v1alpha1_RollBackRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_transship_agent_v1alpha1_CommandReply__Output>): grpc.ClientUnaryCall;
  RollBack(argument: _transship_agent_v1alpha1_RollBackRequest, callback: grpc.requestCallback<_transship_agent_v1alpha1_CommandReply__Output>): grpc.ClientUnaryCall;
  rollBack(argument: _transship_agent_v1alpha1_RollBackRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_transship_agent_v1alpha1_CommandReply__Output>): grpc.ClientUnaryCall;
  rollBack(argument: _transship_agent_v1alpha1_RollBackRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_transship_agent_v1alpha1_CommandReply__Output>): grpc.ClientUnaryCall;
  rollBack(argument: _transship_agent_v1alpha1_RollBackRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_transship_agent_v1alpha1_CommandReply__Output>): grpc.ClientUnaryCall;
  rollBack(argument: _transship_agent_v1alpha1_RollBackRequest, callback: grpc.requestCallback<_transship_agent_v1alpha1_CommandReply__Output>): grpc.ClientUnaryCall;
  
  Stop(argument: _transship_agent_v1alpha1_StopRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_transship_agent_v1alpha1_CommandReply__Output>): grpc.ClientUnaryCall;
  Stop(argument: _transship_agent_v1alpha1_StopRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_transship_agent_v1alpha1_CommandReply__Output>): grpc.ClientUnaryCall;
  Stop(argument: _transship_agent_v1alpha1_StopRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_transship_agent_v1alpha1_CommandReply__Output>): grpc.ClientUnaryCall;
  Stop(argument: _transship_agent_v1alpha1_StopRequest, callback: grpc.requestCallback<_transship_agent_v1alpha1_CommandReply__Output>): grpc.ClientUnaryCall;
  stop(argument: _transship_agent_v1alpha1_StopRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_transship_agent_v1alpha1_CommandReply__Output>): grpc.ClientUnaryCall;
  stop(argument: _transship_agent_v1alpha1_StopRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_transship_agent_v1alpha1_CommandReply__Output>): grpc.ClientUnaryCall;
  stop(argument: _transship_agent_v1alpha1_StopRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_transship_agent_v1alpha1_CommandReply__Output>): grpc.ClientUnaryCall;
  stop(argument: _transship_agent_v1alpha1_StopRequest, callback: grpc.requestCallback<_transship_agent_v1alpha1_CommandReply__Output>): grpc.ClientUnaryCall;
  
  Verify(argument: _transship_agent_v1alpha1_VerifyRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_transship_agent_v1alpha1_CommandReply__Output>): grpc.ClientUnaryCall;
  Verify(argument: _transship_agent_v1alpha1_VerifyRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_transship_agent_v1alpha1_CommandReply__Output>): grpc.ClientUnaryCall;
  Verify(argument: _transship_agent_v1alpha1_VerifyRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_transship_agent_v1alpha1_CommandReply__Output>): grpc.ClientUnaryCall;
  Verify(argument: _transship_agent_v1alpha1_VerifyRequest, callback: grpc.requestCallback<_transship_agent_v1alpha1_CommandReply__Output>): grpc.ClientUnaryCall;
  verify(argument: _transship_agent_v1alpha1_VerifyRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_transship_agent_v1alpha1_CommandReply__Output>): grpc.ClientUnaryCall;
  verify(argument: _transship_agent_v1alpha1_VerifyRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_transship_agent_v1alpha1_CommandReply__Output>): grpc.ClientUnaryCall;
  verify(argument: _transship_agent_v1alpha1_VerifyRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_transship_agent_v1alpha1_CommandReply__Output>): grpc.ClientUnaryCall;
  verify(argument: _transship_agent_v1alpha1_VerifyRequest, callback: grpc.requestCallback<_transship_agent_v1alpha1_CommandReply__Output>): grpc.ClientUnaryCall;
  
}

export interface DeviceAgentHandlers extends grpc.UntypedServiceImplementation {
  Activate: grpc.handleUnaryCall<_transship_agent_v1alpha1_ActivateRequest__Output, _transship_agent_v1alpha1_CommandReply>;
  
  Attach: grpc.handleUnaryCall<_transship_agent_v1alpha1_AttachRequest__Output, _transship_agent_v1alpha1_CommandReply>;
  
  Commit: grpc.handleUnaryCall<_transship_agent_v1alpha1_CommitRequest__Output, _transship_agent_v1alpha1_CommandReply>;
  
  DescribeDevices: grpc.handleUnaryCall<_transship_agent_v1alpha1_DescribeDevicesRequest__Output, _transship_agent_v1alpha1_DescribeDevicesResponse>;
  
  Discard: grpc.handleUnaryCall<_transship_agent_v1alpha1_DiscardRequest__Output, _transship_agent_v1alpha1_CommandReply>;
  
  EndQuarantine: grpc.handleUnaryCall<_transship_agent_v1alpha1_EndQuarantineRequest__Output, _transship_agent_v1alpha1_EndQuarantineResponse>;
  
  ListSessions: grpc.handleUnaryCall<_transship_agent_v1alpha1_ListSessionsRequest__Output, _transship_agent_v1alpha1_ListSessionsResponse>;
  
  Observe: grpc.handleServerStreamingCall<_transship_agent_v1alpha1_ObserveRequest__Output, _transship_agent_v1alpha1_SessionSnapshot>;
  
  PreCopy: grpc.handleUnaryCall<_transship_agent_v1alpha1_PreCopyRequest__Output, _transship_agent_v1alpha1_CommandReply>;
  
  Prepare: grpc.handleUnaryCall<_transship_agent_v1alpha1_PrepareRequest__Output, _transship_agent_v1alpha1_CommandReply>;
  
  Quiesce: grpc.handleUnaryCall<_transship_agent_v1alpha1_QuiesceRequest__Output, _transship_agent_v1alpha1_CommandReply>;
  
  Release: grpc.handleUnaryCall<_transship_agent_v1alpha1_ReleaseRequest__Output, _transship_agent_v1alpha1_CommandReply>;
  
  RollBack: grpc.handleUnaryCall<_transship_agent_v1alpha1_RollBackRequest__Output, _transship_agent_v1alpha1_CommandReply>;
  
  Stop: grpc.handleUnaryCall<_transship_agent_v1alpha1_StopRequest__Output, _transship_agent_v1alpha1_CommandReply>;
  
  Verify: grpc.handleUnaryCall<_transship_agent_v1alpha1_VerifyRequest__Output, _transship_agent_v1alpha1_CommandReply>;
  
}

export interface DeviceAgentDefinition extends grpc.ServiceDefinition {
  Activate: MethodDefinition<_transship_agent_v1alpha1_ActivateRequest, _transship_agent_v1alpha1_CommandReply, _transship_agent_v1alpha1_ActivateRequest__Output, _transship_agent_v1alpha1_CommandReply__Output>
  Attach: MethodDefinition<_transship_agent_v1alpha1_AttachRequest, _transship_agent_v1alpha1_CommandReply, _transship_agent_v1alpha1_AttachRequest__Output, _transship_agent_v1alpha1_CommandReply__Output>
  Commit: MethodDefinition<_transship_agent_v1alpha1_CommitRequest, _transship_agent_v1alpha1_CommandReply, _transship_agent_v1alpha1_CommitRequest__Output, _transship_agent_v1alpha1_CommandReply__Output>
  DescribeDevices: MethodDefinition<_transship_agent_v1alpha1_DescribeDevicesRequest, _transship_agent_v1alpha1_DescribeDevicesResponse, _transship_agent_v1alpha1_DescribeDevicesRequest__Output, _transship_agent_v1alpha1_DescribeDevicesResponse__Output>
  Discard: MethodDefinition<_transship_agent_v1alpha1_DiscardRequest, _transship_agent_v1alpha1_CommandReply, _transship_agent_v1alpha1_DiscardRequest__Output, _transship_agent_v1alpha1_CommandReply__Output>
  EndQuarantine: MethodDefinition<_transship_agent_v1alpha1_EndQuarantineRequest, _transship_agent_v1alpha1_EndQuarantineResponse, _transship_agent_v1alpha1_EndQuarantineRequest__Output, _transship_agent_v1alpha1_EndQuarantineResponse__Output>
  ListSessions: MethodDefinition<_transship_agent_v1alpha1_ListSessionsRequest, _transship_agent_v1alpha1_ListSessionsResponse, _transship_agent_v1alpha1_ListSessionsRequest__Output, _transship_agent_v1alpha1_ListSessionsResponse__Output>
  Observe: MethodDefinition<_transship_agent_v1alpha1_ObserveRequest, _transship_agent_v1alpha1_SessionSnapshot, _transship_agent_v1alpha1_ObserveRequest__Output, _transship_agent_v1alpha1_SessionSnapshot__Output>
  PreCopy: MethodDefinition<_transship_agent_v1alpha1_PreCopyRequest, _transship_agent_v1alpha1_CommandReply, _transship_agent_v1alpha1_PreCopyRequest__Output, _transship_agent_v1alpha1_CommandReply__Output>
  Prepare: MethodDefinition<_transship_agent_v1alpha1_PrepareRequest, _transship_agent_v1alpha1_CommandReply, _transship_agent_v1alpha1_PrepareRequest__Output, _transship_agent_v1alpha1_CommandReply__Output>
  Quiesce: MethodDefinition<_transship_agent_v1alpha1_QuiesceRequest, _transship_agent_v1alpha1_CommandReply, _transship_agent_v1alpha1_QuiesceRequest__Output, _transship_agent_v1alpha1_CommandReply__Output>
  Release: MethodDefinition<_transship_agent_v1alpha1_ReleaseRequest, _transship_agent_v1alpha1_CommandReply, _transship_agent_v1alpha1_ReleaseRequest__Output, _transship_agent_v1alpha1_CommandReply__Output>
  RollBack: MethodDefinition<_transship_agent_v1alpha1_RollBackRequest, _transship_agent_v1alpha1_CommandReply, _transship_agent_v1alpha1_RollBackRequest__Output, _transship_agent_v1alpha1_CommandReply__Output>
  Stop: MethodDefinition<_transship_agent_v1alpha1_StopRequest, _transship_agent_v1alpha1_CommandReply, _transship_agent_v1alpha1_StopRequest__Output, _transship_agent_v1alpha1_CommandReply__Output>
  Verify: MethodDefinition<_transship_agent_v1alpha1_VerifyRequest, _transship_agent_v1alpha1_CommandReply, _transship_agent_v1alpha1_VerifyRequest__Output, _transship_agent_v1alpha1_CommandReply__Output>
}
