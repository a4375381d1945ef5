// Original file: proto/transship/workload/v1alpha1/hook.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { DescribeRequest as _transship_workload_v1alpha1_DescribeRequest, DescribeRequest__Output as _transship_workload_v1alpha1_DescribeRequest__Output } from '../../../transship/workload/v1alpha1/DescribeRequest.ts';
import type { DescribeResponse as _transship_workload_v1alpha1_DescribeResponse, DescribeResponse__Output as _transship_workload_v1alpha1_DescribeResponse__Output } from '../../../transship/workload/v1alpha1/DescribeResponse.ts';
import type { DiscardRequest as _transship_workload_v1alpha1_DiscardRequest, DiscardRequest__Output as _transship_workload_v1alpha1_DiscardRequest__Output } from '../../../transship/workload/v1alpha1/DiscardRequest.ts';
import type { DiscardResponse as _transship_workload_v1alpha1_DiscardResponse, DiscardResponse__Output as _transship_workload_v1alpha1_DiscardResponse__Output } from '../../../transship/workload/v1alpha1/DiscardResponse.ts';
import type { ExpectIncomingRequest as _transship_workload_v1alpha1_ExpectIncomingRequest, ExpectIncomingRequest__Output as _transship_workload_v1alpha1_ExpectIncomingRequest__Output } from '../../../transship/workload/v1alpha1/ExpectIncomingRequest.ts';
import type { ExpectIncomingResponse as _transship_workload_v1alpha1_ExpectIncomingResponse, ExpectIncomingResponse__Output as _transship_workload_v1alpha1_ExpectIncomingResponse__Output } from '../../../transship/workload/v1alpha1/ExpectIncomingResponse.ts';
import type { FreezeRequest as _transship_workload_v1alpha1_FreezeRequest, FreezeRequest__Output as _transship_workload_v1alpha1_FreezeRequest__Output } from '../../../transship/workload/v1alpha1/FreezeRequest.ts';
import type { FreezeResponse as _transship_workload_v1alpha1_FreezeResponse, FreezeResponse__Output as _transship_workload_v1alpha1_FreezeResponse__Output } from '../../../transship/workload/v1alpha1/FreezeResponse.ts';
import type { GetStateRequest as _transship_workload_v1alpha1_GetStateRequest, GetStateRequest__Output as _transship_workload_v1alpha1_GetStateRequest__Output } from '../../../transship/workload/v1alpha1/GetStateRequest.ts';
import type { GetStateResponse as _transship_workload_v1alpha1_GetStateResponse, GetStateResponse__Output as _transship_workload_v1alpha1_GetStateResponse__Output } from '../../../transship/workload/v1alpha1/GetStateResponse.ts';
import type { LoadRequest as _transship_workload_v1alpha1_LoadRequest, LoadRequest__Output as _transship_workload_v1alpha1_LoadRequest__Output } from '../../../transship/workload/v1alpha1/LoadRequest.ts';
import type { LoadResponse as _transship_workload_v1alpha1_LoadResponse, LoadResponse__Output as _transship_workload_v1alpha1_LoadResponse__Output } from '../../../transship/workload/v1alpha1/LoadResponse.ts';
import type { NotifyDevicesResetRequest as _transship_workload_v1alpha1_NotifyDevicesResetRequest, NotifyDevicesResetRequest__Output as _transship_workload_v1alpha1_NotifyDevicesResetRequest__Output } from '../../../transship/workload/v1alpha1/NotifyDevicesResetRequest.ts';
import type { NotifyDevicesResetResponse as _transship_workload_v1alpha1_NotifyDevicesResetResponse, NotifyDevicesResetResponse__Output as _transship_workload_v1alpha1_NotifyDevicesResetResponse__Output } from '../../../transship/workload/v1alpha1/NotifyDevicesResetResponse.ts';
import type { SaveRequest as _transship_workload_v1alpha1_SaveRequest, SaveRequest__Output as _transship_workload_v1alpha1_SaveRequest__Output } from '../../../transship/workload/v1alpha1/SaveRequest.ts';
import type { SaveResponse as _transship_workload_v1alpha1_SaveResponse, SaveResponse__Output as _transship_workload_v1alpha1_SaveResponse__Output } from '../../../transship/workload/v1alpha1/SaveResponse.ts';
import type { ThawRequest as _transship_workload_v1alpha1_ThawRequest, ThawRequest__Output as _transship_workload_v1alpha1_ThawRequest__Output } from '../../../transship/workload/v1alpha1/ThawRequest.ts';
import type { ThawResponse as _transship_workload_v1alpha1_ThawResponse, ThawResponse__Output as _transship_workload_v1alpha1_ThawResponse__Output } from '../../../transship/workload/v1alpha1/ThawResponse.ts';

export interface WorkloadHookClient extends grpc.Client {
  Describe(argument: _transship_workload_v1alpha1_DescribeRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_transship_workload_v1alpha1_DescribeResponse__Output>): grpc.ClientUnaryCall;
  Describe(argument: _transship_workload_v1alpha1_DescribeRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_transship_workload_v1alpha1_DescribeResponse__Output>): grpc.ClientUnaryCall;
  Describe(argument: _transship_workload_v1alpha1_DescribeRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_transship_workload_v1alpha1_DescribeResponse__Output>): grpc.ClientUnaryCall;
  Describe(argument: _transship_workload_v1alpha1_DescribeRequest, callback: grpc.requestCallback<_transship_workload_v1alpha1_DescribeResponse__Output>): grpc.ClientUnaryCall;
  describe(argument: _transship_workload_v1alpha1_DescribeRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_transship_workload_v1alpha1_DescribeResponse__Output>): grpc.ClientUnaryCall;
  describe(argument: _transship_workload_v1alpha1_DescribeRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_transship_workload_v1alpha1_DescribeResponse__Output>): grpc.ClientUnaryCall;
  describe(argument: _transship_workload_v1alpha1_DescribeRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_transship_workload_v1alpha1_DescribeResponse__Output>): grpc.ClientUnaryCall;
  describe(argument: _transship_workload_v1alpha1_DescribeRequest, callback: grpc.requestCallback<_transship_workload_v1alpha1_DescribeResponse__Output>): grpc.ClientUnaryCall;
  
  Discard(argument: _transship_workload_v1alpha1_DiscardRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_transship_workload_v1alpha1_DiscardResponse__Output>): grpc.ClientUnaryCall;
  Discard(argument: _transship_workload_v1alpha1_DiscardRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_transship_workload_v1alpha1_DiscardResponse__Output>): grpc.ClientUnaryCall;
  Discard(argument: _transship_workload_v1alpha1_DiscardRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_transship_workload_v1alpha1_DiscardResponse__Output>): grpc.ClientUnaryCall;
  Discard(argument: _transship_workload_v1alpha1_DiscardRequest, callback: grpc.requestCallback<_transship_workload_v1alpha1_DiscardResponse__Output>): grpc.ClientUnaryCall;
  discard(argument: _transship_workload_v1alpha1_DiscardRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_transship_workload_v1alpha1_DiscardResponse__Output>): grpc.ClientUnaryCall;
  discard(argument: _transship_workload_v1alpha1_DiscardRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_transship_workload_v1alpha1_DiscardResponse__Output>): grpc.ClientUnaryCall;
  discard(argument: _transship_workload_v1alpha1_DiscardRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_transship_workload_v1alpha1_DiscardResponse__Output>): grpc.ClientUnaryCall;
  discard(argument: _transship_workload_v1alpha1_DiscardRequest, callback: grpc.requestCallback<_transship_workload_v1alpha1_DiscardResponse__Output>): grpc.ClientUnaryCall;
  
  ExpectIncoming(argument: _transship_workload_v1alpha1_ExpectIncomingRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_transship_workload_v1alpha1_ExpectIncomingResponse__Output>): grpc.ClientUnaryCall;
  ExpectIncoming(argument: _transship_workload_v1alpha1_ExpectIncomingRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_transship_workload_v1alpha1_ExpectIncomingResponse__Output>): grpc.ClientUnaryCall;
  ExpectIncoming(argument: _transship_workload_v1alpha1_ExpectIncomingRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_transship_workload_v1alpha1_ExpectIncomingResponse__Output>): grpc.ClientUnaryCall;
  ExpectIncoming(argument: _transship_workload_v1alpha1_ExpectIncomingRequest, callback: grpc.requestCallback<_transship_workload_v1alpha1_ExpectIncomingResponse__Output>): grpc.ClientUnaryCall;
  expectIncoming(argument: _transship_workload_v1alpha1_ExpectIncomingRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_transship_workload_v1alpha1_ExpectIncomingResponse__Output>): grpc.ClientUnaryCall;
  expectIncoming(argument: _transship_workload_v1alpha1_ExpectIncomingRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_transship_workload_v1alpha1_ExpectIncomingResponse__Output>): grpc.ClientUnaryCall;
  expectIncoming(argument: _transship_workload_v1alpha1_ExpectIncomingRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_transship_workload_v1alpha1_ExpectIncomingResponse__Output>): grpc.ClientUnaryCall;
  expectIncoming(argument: _transship_workload_v1alpha1_ExpectIncomingRequest, callback: grpc.requestCallback<_transship_workload_v1alpha1_ExpectIncomingResponse__Output>): grpc.ClientUnaryCall;
  
  Freeze(argument: _transship_workload_v1alpha1_FreezeRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_transship_workload_v1alpha1_FreezeResponse__Output>): grpc.ClientUnaryCall;
  Freeze(argument: _transship_workload_v1alpha1_FreezeRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_transship_workload_v1alpha1_FreezeResponse__Output>): grpc.ClientUnaryCall;
  Freeze(argument: _transship_workload_v1alpha1_FreezeRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_transship_workload_v1alpha1_FreezeResponse__Output>): grpc.ClientUnaryCall;
  Freeze(argument: _transship_workload_v1alpha1_FreezeRequest, callback: grpc.requestCallback<_transship_workload_v1alpha1_FreezeResponse__Output>): grpc.ClientUnaryCall;
  freeze(argument: _transship_workload_v1alpha1_FreezeRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_transship_workload_v1alpha1_FreezeResponse__Output>): grpc.ClientUnaryCall;
  freeze(argument: _transship_workload_v1alpha1_FreezeRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_transship_workload_v1alpha1_FreezeResponse__Output>): grpc.ClientUnaryCall;
  freeze(argument: _transship_workload_v1alpha1_FreezeRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_transship_workload_v1alpha1_FreezeResponse__Output>): grpc.ClientUnaryCall;
  freeze(argument: _transship_workload_v1alpha1_FreezeRequest, callback: grpc.requestCallback<_transship_workload_v1alpha1_FreezeResponse__Output>): grpc.ClientUnaryCall;
  
  GetState(argument: _transship_workload_v1alpha1_GetStateRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_transship_workload_v1alpha1_GetStateResponse__Output>): grpc.ClientUnaryCall;
  GetState(argument: _transship_workload_v1alpha1_GetStateRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_transship_workload_v1alpha1_GetStateResponse__Output>): grpc.ClientUnaryCall;
  GetState(argument: _transship_workload_v1alpha1_GetStateRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_transship_workload_v1alpha1_GetStateResponse__Output>): grpc.ClientUnaryCall;
  GetState(argument: _transship_workload_v1alpha1_GetStateRequest, callback: grpc.requestCallback<_transship_workload_v1alpha1_GetStateResponse__Output>): grpc.ClientUnaryCall;
  getState(argument: _transship_workload_v1alpha1_GetStateRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_transship_workload_v1alpha1_GetStateResponse__Output>): grpc.ClientUnaryCall;
  getState(argument: _transship_workload_v1alpha1_GetStateRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_transship_workload_v1alpha1_GetStateResponse__Output>): grpc.ClientUnaryCall;
  getState(argument: _transship_workload_v1alpha1_GetStateRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_transship_workload_v1alpha1_GetStateResponse__Output>): grpc.ClientUnaryCall;
  getState(argument: _transship_workload_v1alpha1_GetStateRequest, callback: grpc.requestCallback<_transship_workload_v1alpha1_GetStateResponse__Output>): grpc.ClientUnaryCall;
  
  Load(metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_transship_workload_v1alpha1_LoadResponse__Output>): grpc.ClientWritableStream<_transship_workload_v1alpha1_LoadRequest>;
  Load(metadata: grpc.Metadata, callback: grpc.requestCallback<_transship_workload_v1alpha1_LoadResponse__Output>): grpc.ClientWritableStream<_transship_workload_v1alpha1_LoadRequest>;
  Load(options: grpc.CallOptions, callback: grpc.requestCallback<_transship_workload_v1alpha1_LoadResponse__Output>): grpc.ClientWritableStream<_transship_workload_v1alpha1_LoadRequest>;
  Load(callback: grpc.requestCallback<_transship_workload_v1alpha1_LoadResponse__Output>): grpc.ClientWritableStream<_transship_workload_v1alpha1_LoadRequest>;
  load(metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_transship_workload_v1alpha1_LoadResponse__Output>): grpc.ClientWritableStream<_transship_workload_v1alpha1_LoadRequest>;
  load(metadata: grpc.Metadata, callback: grpc.requestCallback<_transship_workload_v1alpha1_LoadResponse__Output>): grpc.ClientWritableStream<_transship_workload_v1alpha1_LoadRequest>;
  load(options: grpc.CallOptions, callback: grpc.requestCallback<_transship_workload_v1alpha1_LoadResponse__Output>): grpc.ClientWritableStream<_transship_workload_v1alpha1_LoadRequest>;
  load(callback: grpc.requestCallback<_transship_workload_v1alpha1_LoadResponse__Output>): grpc.ClientWritableStream<_transship_workload_v1alpha1_LoadRequest>;
  
  NotifyDevicesReset(argument: _transship_workload_v1alpha1_NotifyDevicesResetRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_transship_workload_v1alpha1_NotifyDevicesResetResponse__Output>): grpc.ClientUnaryCall;
  NotifyDevicesReset(argument: _transship_workload_v1alpha1_NotifyDevicesResetRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_transship_workload_v1alpha1_NotifyDevicesResetResponse__Output>): grpc.ClientUnaryCall;
  NotifyDevicesReset(argument: _transship_workload_v1alpha1_NotifyDevicesResetRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_transship_workload_v1alpha1_NotifyDevicesResetResponse__Output>): grpc.ClientUnaryCall;
  NotifyDevicesReset(argument: _transship_workload_v1alpha1_NotifyDevicesResetRequest, callback: grpc.requestCallback<_transship_workload_v1alpha1_NotifyDevicesResetResponse__Output>): grpc.ClientUnaryCall;
  notifyDevicesReset(argument: _transship_workload_v1alpha1_NotifyDevicesResetRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_transship_workload_v1alpha1_NotifyDevicesResetResponse__Output>): grpc.ClientUnaryCall;
  notifyDevicesReset(argument: _transship_workload_v1alpha1_NotifyDevicesResetRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_transship_workload_v1alpha1_NotifyDevicesResetResponse__Output>): grpc.ClientUnaryCall;
  notifyDevicesReset(argument: _transship_workload_v1alpha1_NotifyDevicesResetRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_transship_workload_v1alpha1_NotifyDevicesResetResponse__Output>): grpc.ClientUnaryCall;
  notifyDevicesReset(argument: _transship_workload_v1alpha1_NotifyDevicesResetRequest, callback: grpc.requestCallback<_transship_workload_v1alpha1_NotifyDevicesResetResponse__Output>): grpc.ClientUnaryCall;
  
  Save(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<_transship_workload_v1alpha1_SaveRequest, _transship_workload_v1alpha1_SaveResponse__Output>;
  Save(options?: grpc.CallOptions): grpc.ClientDuplexStream<_transship_workload_v1alpha1_SaveRequest, _transship_workload_v1alpha1_SaveResponse__Output>;
  save(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<_transship_workload_v1alpha1_SaveRequest, _transship_workload_v1alpha1_SaveResponse__Output>;
  save(options?: grpc.CallOptions): grpc.ClientDuplexStream<_transship_workload_v1alpha1_SaveRequest, _transship_workload_v1alpha1_SaveResponse__Output>;
  
  Thaw(argument: _transship_workload_v1alpha1_ThawRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_transship_workload_v1alpha1_ThawResponse__Output>): grpc.ClientUnaryCall;
  Thaw(argument: _transship_workload_v1alpha1_ThawRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_transship_workload_v1alpha1_ThawResponse__Output>): grpc.ClientUnaryCall;
  Thaw(argument: _transship_workload_v1alpha1_ThawRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_transship_workload_v1alpha1_ThawResponse__Output>): grpc.ClientUnaryCall;
  Thaw(argument: _transship_workload_v1alpha1_ThawRequest, callback: grpc.requestCallback<_transship_workload_v1alpha1_ThawResponse__Output>): grpc.ClientUnaryCall;
  thaw(argument: _transship_workload_v1alpha1_ThawRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_transship_workload_v1alpha1_ThawResponse__Output>): grpc.ClientUnaryCall;
  thaw(argument: _transship_workload_v1alpha1_ThawRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_transship_workload_v1alpha1_ThawResponse__Output>): grpc.ClientUnaryCall;
  thaw(argument: _transship_workload_v1alpha1_ThawRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_transship_workload_v1alpha1_ThawResponse__Output>): grpc.ClientUnaryCall;
  thaw(argument: _transship_workload_v1alpha1_ThawRequest, callback: grpc.requestCallback<_transship_workload_v1alpha1_ThawResponse__Output>): grpc.ClientUnaryCall;
  
}

export interface WorkloadHookHandlers extends grpc.UntypedServiceImplementation {
  Describe: grpc.handleUnaryCall<_transship_workload_v1alpha1_DescribeRequest__Output, _transship_workload_v1alpha1_DescribeResponse>;
  
  Discard: grpc.handleUnaryCall<_transship_workload_v1alpha1_DiscardRequest__Output, _transship_workload_v1alpha1_DiscardResponse>;
  
  ExpectIncoming: grpc.handleUnaryCall<_transship_workload_v1alpha1_ExpectIncomingRequest__Output, _transship_workload_v1alpha1_ExpectIncomingResponse>;
  
  Freeze: grpc.handleUnaryCall<_transship_workload_v1alpha1_FreezeRequest__Output, _transship_workload_v1alpha1_FreezeResponse>;
  
  GetState: grpc.handleUnaryCall<_transship_workload_v1alpha1_GetStateRequest__Output, _transship_workload_v1alpha1_GetStateResponse>;
  
  Load: grpc.handleClientStreamingCall<_transship_workload_v1alpha1_LoadRequest__Output, _transship_workload_v1alpha1_LoadResponse>;
  
  NotifyDevicesReset: grpc.handleUnaryCall<_transship_workload_v1alpha1_NotifyDevicesResetRequest__Output, _transship_workload_v1alpha1_NotifyDevicesResetResponse>;
  
  Save: grpc.handleBidiStreamingCall<_transship_workload_v1alpha1_SaveRequest__Output, _transship_workload_v1alpha1_SaveResponse>;
  
  Thaw: grpc.handleUnaryCall<_transship_workload_v1alpha1_ThawRequest__Output, _transship_workload_v1alpha1_ThawResponse>;
  
}

export interface WorkloadHookDefinition extends grpc.ServiceDefinition {
  Describe: MethodDefinition<_transship_workload_v1alpha1_DescribeRequest, _transship_workload_v1alpha1_DescribeResponse, _transship_workload_v1alpha1_DescribeRequest__Output, _transship_workload_v1alpha1_DescribeResponse__Output>
  Discard: MethodDefinition<_transship_workload_v1alpha1_DiscardRequest, _transship_workload_v1alpha1_DiscardResponse, _transship_workload_v1alpha1_DiscardRequest__Output, _transship_workload_v1alpha1_DiscardResponse__Output>
  ExpectIncoming: MethodDefinition<_transship_workload_v1alpha1_ExpectIncomingRequest, _transship_workload_v1alpha1_ExpectIncomingResponse, _transship_workload_v1alpha1_ExpectIncomingRequest__Output, _transship_workload_v1alpha1_ExpectIncomingResponse__Output>
  Freeze: MethodDefinition<_transship_workload_v1alpha1_FreezeRequest, _transship_workload_v1alpha1_FreezeResponse, _transship_workload_v1alpha1_FreezeRequest__Output, _transship_workload_v1alpha1_FreezeResponse__Output>
  GetState: MethodDefinition<_transship_workload_v1alpha1_GetStateRequest, _transship_workload_v1alpha1_GetStateResponse, _transship_workload_v1alpha1_GetStateRequest__Output, _transship_workload_v1alpha1_GetStateResponse__Output>
  Load: MethodDefinition<_transship_workload_v1alpha1_LoadRequest, _transship_workload_v1alpha1_LoadResponse, _transship_workload_v1alpha1_LoadRequest__Output, _transship_workload_v1alpha1_LoadResponse__Output>
  NotifyDevicesReset: MethodDefinition<_transship_workload_v1alpha1_NotifyDevicesResetRequest, _transship_workload_v1alpha1_NotifyDevicesResetResponse, _transship_workload_v1alpha1_NotifyDevicesResetRequest__Output, _transship_workload_v1alpha1_NotifyDevicesResetResponse__Output>
  Save: MethodDefinition<_transship_workload_v1alpha1_SaveRequest, _transship_workload_v1alpha1_SaveResponse, _transship_workload_v1alpha1_SaveRequest__Output, _transship_workload_v1alpha1_SaveResponse__Output>
  Thaw: MethodDefinition<_transship_workload_v1alpha1_ThawRequest, _transship_workload_v1alpha1_ThawResponse, _transship_workload_v1alpha1_ThawRequest__Output, _transship_workload_v1alpha1_ThawResponse__Output>
}
