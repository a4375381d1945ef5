import type * as grpc from '@grpc/grpc-js';
import type { EnumTypeDefinition, MessageTypeDefinition } from '@grpc/proto-loader';

import type { DescribeRequest as _transship_workload_v1alpha1_DescribeRequest, DescribeRequest__Output as _transship_workload_v1alpha1_DescribeRequest__Output } from './transship/workload/v1alpha1/DescribeRequest.ts';
import type { DescribeResponse as _transship_workload_v1alpha1_DescribeResponse, DescribeResponse__Output as _transship_workload_v1alpha1_DescribeResponse__Output } from './transship/workload/v1alpha1/DescribeResponse.ts';
import type { DirtyPages as _transship_workload_v1alpha1_DirtyPages, DirtyPages__Output as _transship_workload_v1alpha1_DirtyPages__Output } from './transship/workload/v1alpha1/DirtyPages.ts';
import type { DirtyUnknown as _transship_workload_v1alpha1_DirtyUnknown, DirtyUnknown__Output as _transship_workload_v1alpha1_DirtyUnknown__Output } from './transship/workload/v1alpha1/DirtyUnknown.ts';
import type { DiscardRequest as _transship_workload_v1alpha1_DiscardRequest, DiscardRequest__Output as _transship_workload_v1alpha1_DiscardRequest__Output } from './transship/workload/v1alpha1/DiscardRequest.ts';
import type { DiscardResponse as _transship_workload_v1alpha1_DiscardResponse, DiscardResponse__Output as _transship_workload_v1alpha1_DiscardResponse__Output } from './transship/workload/v1alpha1/DiscardResponse.ts';
import type { DmaRange as _transship_workload_v1alpha1_DmaRange, DmaRange__Output as _transship_workload_v1alpha1_DmaRange__Output } from './transship/workload/v1alpha1/DmaRange.ts';
import type { ExpectIncomingRequest as _transship_workload_v1alpha1_ExpectIncomingRequest, ExpectIncomingRequest__Output as _transship_workload_v1alpha1_ExpectIncomingRequest__Output } from './transship/workload/v1alpha1/ExpectIncomingRequest.ts';
import type { ExpectIncomingResponse as _transship_workload_v1alpha1_ExpectIncomingResponse, ExpectIncomingResponse__Output as _transship_workload_v1alpha1_ExpectIncomingResponse__Output } from './transship/workload/v1alpha1/ExpectIncomingResponse.ts';
import type { FreezeRequest as _transship_workload_v1alpha1_FreezeRequest, FreezeRequest__Output as _transship_workload_v1alpha1_FreezeRequest__Output } from './transship/workload/v1alpha1/FreezeRequest.ts';
import type { FreezeResponse as _transship_workload_v1alpha1_FreezeResponse, FreezeResponse__Output as _transship_workload_v1alpha1_FreezeResponse__Output } from './transship/workload/v1alpha1/FreezeResponse.ts';
import type { GetStateRequest as _transship_workload_v1alpha1_GetStateRequest, GetStateRequest__Output as _transship_workload_v1alpha1_GetStateRequest__Output } from './transship/workload/v1alpha1/GetStateRequest.ts';
import type { GetStateResponse as _transship_workload_v1alpha1_GetStateResponse, GetStateResponse__Output as _transship_workload_v1alpha1_GetStateResponse__Output } from './transship/workload/v1alpha1/GetStateResponse.ts';
import type { LoadBegin as _transship_workload_v1alpha1_LoadBegin, LoadBegin__Output as _transship_workload_v1alpha1_LoadBegin__Output } from './transship/workload/v1alpha1/LoadBegin.ts';
import type { LoadRequest as _transship_workload_v1alpha1_LoadRequest, LoadRequest__Output as _transship_workload_v1alpha1_LoadRequest__Output } from './transship/workload/v1alpha1/LoadRequest.ts';
import type { LoadResponse as _transship_workload_v1alpha1_LoadResponse, LoadResponse__Output as _transship_workload_v1alpha1_LoadResponse__Output } from './transship/workload/v1alpha1/LoadResponse.ts';
import type { NotifyDevicesResetRequest as _transship_workload_v1alpha1_NotifyDevicesResetRequest, NotifyDevicesResetRequest__Output as _transship_workload_v1alpha1_NotifyDevicesResetRequest__Output } from './transship/workload/v1alpha1/NotifyDevicesResetRequest.ts';
import type { NotifyDevicesResetResponse as _transship_workload_v1alpha1_NotifyDevicesResetResponse, NotifyDevicesResetResponse__Output as _transship_workload_v1alpha1_NotifyDevicesResetResponse__Output } from './transship/workload/v1alpha1/NotifyDevicesResetResponse.ts';
import type { SaveBegin as _transship_workload_v1alpha1_SaveBegin, SaveBegin__Output as _transship_workload_v1alpha1_SaveBegin__Output } from './transship/workload/v1alpha1/SaveBegin.ts';
import type { SaveRequest as _transship_workload_v1alpha1_SaveRequest, SaveRequest__Output as _transship_workload_v1alpha1_SaveRequest__Output } from './transship/workload/v1alpha1/SaveRequest.ts';
import type { SaveResponse as _transship_workload_v1alpha1_SaveResponse, SaveResponse__Output as _transship_workload_v1alpha1_SaveResponse__Output } from './transship/workload/v1alpha1/SaveResponse.ts';
import type { ThawRequest as _transship_workload_v1alpha1_ThawRequest, ThawRequest__Output as _transship_workload_v1alpha1_ThawRequest__Output } from './transship/workload/v1alpha1/ThawRequest.ts';
import type { ThawResponse as _transship_workload_v1alpha1_ThawResponse, ThawResponse__Output as _transship_workload_v1alpha1_ThawResponse__Output } from './transship/workload/v1alpha1/ThawResponse.ts';
import type { WorkloadHookClient as _transship_workload_v1alpha1_WorkloadHookClient, WorkloadHookDefinition as _transship_workload_v1alpha1_WorkloadHookDefinition } from './transship/workload/v1alpha1/WorkloadHook.ts';

type SubtypeConstructor<Constructor extends new (...args: any) => any, Subtype> = {
  new(...args: ConstructorParameters<Constructor>): Subtype;
};

export interface ProtoGrpcType {
  transship: {
    workload: {
      v1alpha1: {
        DescribeRequest: MessageTypeDefinition<_transship_workload_v1alpha1_DescribeRequest, _transship_workload_v1alpha1_DescribeRequest__Output>
        DescribeResponse: MessageTypeDefinition<_transship_workload_v1alpha1_DescribeResponse, _transship_workload_v1alpha1_DescribeResponse__Output>
        DirtyPages: MessageTypeDefinition<_transship_workload_v1alpha1_DirtyPages, _transship_workload_v1alpha1_DirtyPages__Output>
        DirtyUnknown: MessageTypeDefinition<_transship_workload_v1alpha1_DirtyUnknown, _transship_workload_v1alpha1_DirtyUnknown__Output>
        DiscardRequest: MessageTypeDefinition<_transship_workload_v1alpha1_DiscardRequest, _transship_workload_v1alpha1_DiscardRequest__Output>
        DiscardResponse: MessageTypeDefinition<_transship_workload_v1alpha1_DiscardResponse, _transship_workload_v1alpha1_DiscardResponse__Output>
        DmaRange: MessageTypeDefinition<_transship_workload_v1alpha1_DmaRange, _transship_workload_v1alpha1_DmaRange__Output>
        ExpectIncomingRequest: MessageTypeDefinition<_transship_workload_v1alpha1_ExpectIncomingRequest, _transship_workload_v1alpha1_ExpectIncomingRequest__Output>
        ExpectIncomingResponse: MessageTypeDefinition<_transship_workload_v1alpha1_ExpectIncomingResponse, _transship_workload_v1alpha1_ExpectIncomingResponse__Output>
        FreezeRequest: MessageTypeDefinition<_transship_workload_v1alpha1_FreezeRequest, _transship_workload_v1alpha1_FreezeRequest__Output>
        FreezeResponse: MessageTypeDefinition<_transship_workload_v1alpha1_FreezeResponse, _transship_workload_v1alpha1_FreezeResponse__Output>
        GetStateRequest: MessageTypeDefinition<_transship_workload_v1alpha1_GetStateRequest, _transship_workload_v1alpha1_GetStateRequest__Output>
        GetStateResponse: MessageTypeDefinition<_transship_workload_v1alpha1_GetStateResponse, _transship_workload_v1alpha1_GetStateResponse__Output>
        LoadBegin: MessageTypeDefinition<_transship_workload_v1alpha1_LoadBegin, _transship_workload_v1alpha1_LoadBegin__Output>
        LoadRequest: MessageTypeDefinition<_transship_workload_v1alpha1_LoadRequest, _transship_workload_v1alpha1_LoadRequest__Output>
        LoadResponse: MessageTypeDefinition<_transship_workload_v1alpha1_LoadResponse, _transship_workload_v1alpha1_LoadResponse__Output>
        NotifyDevicesResetRequest: MessageTypeDefinition<_transship_workload_v1alpha1_NotifyDevicesResetRequest, _transship_workload_v1alpha1_NotifyDevicesResetRequest__Output>
        NotifyDevicesResetResponse: MessageTypeDefinition<_transship_workload_v1alpha1_NotifyDevicesResetResponse, _transship_workload_v1alpha1_NotifyDevicesResetResponse__Output>
        SaveBegin: MessageTypeDefinition<_transship_workload_v1alpha1_SaveBegin, _transship_workload_v1alpha1_SaveBegin__Output>
        SavePass: EnumTypeDefinition
        SaveRequest: MessageTypeDefinition<_transship_workload_v1alpha1_SaveRequest, _transship_workload_v1alpha1_SaveRequest__Output>
        SaveResponse: MessageTypeDefinition<_transship_workload_v1alpha1_SaveResponse, _transship_workload_v1alpha1_SaveResponse__Output>
        State: EnumTypeDefinition
        ThawRequest: MessageTypeDefinition<_transship_workload_v1alpha1_ThawRequest, _transship_workload_v1alpha1_ThawRequest__Output>
        ThawResponse: MessageTypeDefinition<_transship_workload_v1alpha1_ThawResponse, _transship_workload_v1alpha1_ThawResponse__Output>
        WorkloadHook: SubtypeConstructor<typeof grpc.Client, _transship_workload_v1alpha1_WorkloadHookClient> & { service: _transship_workload_v1alpha1_WorkloadHookDefinition }
      }
    }
  }
}

