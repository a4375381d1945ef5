import type * as grpc from '@grpc/grpc-js';
import type { EnumTypeDefinition, MessageTypeDefinition } from '@grpc/proto-loader';

import type { ActivateRequest as _transship_agent_v1alpha1_ActivateRequest, ActivateRequest__Output as _transship_agent_v1alpha1_ActivateRequest__Output } from './transship/agent/v1alpha1/ActivateRequest.ts';
import type { AttachRequest as _transship_agent_v1alpha1_AttachRequest, AttachRequest__Output as _transship_agent_v1alpha1_AttachRequest__Output } from './transship/agent/v1alpha1/AttachRequest.ts';
import type { CommandHeader as _transship_agent_v1alpha1_CommandHeader, CommandHeader__Output as _transship_agent_v1alpha1_CommandHeader__Output } from './transship/agent/v1alpha1/CommandHeader.ts';
import type { CommandReply as _transship_agent_v1alpha1_CommandReply, CommandReply__Output as _transship_agent_v1alpha1_CommandReply__Output } from './transship/agent/v1alpha1/CommandReply.ts';
import type { CommitRequest as _transship_agent_v1alpha1_CommitRequest, CommitRequest__Output as _transship_agent_v1alpha1_CommitRequest__Output } from './transship/agent/v1alpha1/CommitRequest.ts';
import type { DescribeDevicesRequest as _transship_agent_v1alpha1_DescribeDevicesRequest, DescribeDevicesRequest__Output as _transship_agent_v1alpha1_DescribeDevicesRequest__Output } from './transship/agent/v1alpha1/DescribeDevicesRequest.ts';
import type { DescribeDevicesResponse as _transship_agent_v1alpha1_DescribeDevicesResponse, DescribeDevicesResponse__Output as _transship_agent_v1alpha1_DescribeDevicesResponse__Output } from './transship/agent/v1alpha1/DescribeDevicesResponse.ts';
import type { DeviceAgentClient as _transship_agent_v1alpha1_DeviceAgentClient, DeviceAgentDefinition as _transship_agent_v1alpha1_DeviceAgentDefinition } from './transship/agent/v1alpha1/DeviceAgent.ts';
import type { DeviceDescription as _transship_agent_v1alpha1_DeviceDescription, DeviceDescription__Output as _transship_agent_v1alpha1_DeviceDescription__Output } from './transship/agent/v1alpha1/DeviceDescription.ts';
import type { DeviceSnapshot as _transship_agent_v1alpha1_DeviceSnapshot, DeviceSnapshot__Output as _transship_agent_v1alpha1_DeviceSnapshot__Output } from './transship/agent/v1alpha1/DeviceSnapshot.ts';
import type { DeviceTransferClient as _transship_agent_v1alpha1_DeviceTransferClient, DeviceTransferDefinition as _transship_agent_v1alpha1_DeviceTransferDefinition } from './transship/agent/v1alpha1/DeviceTransfer.ts';
import type { DiscardRequest as _transship_agent_v1alpha1_DiscardRequest, DiscardRequest__Output as _transship_agent_v1alpha1_DiscardRequest__Output } from './transship/agent/v1alpha1/DiscardRequest.ts';
import type { EndQuarantineRequest as _transship_agent_v1alpha1_EndQuarantineRequest, EndQuarantineRequest__Output as _transship_agent_v1alpha1_EndQuarantineRequest__Output } from './transship/agent/v1alpha1/EndQuarantineRequest.ts';
import type { EndQuarantineResponse as _transship_agent_v1alpha1_EndQuarantineResponse, EndQuarantineResponse__Output as _transship_agent_v1alpha1_EndQuarantineResponse__Output } from './transship/agent/v1alpha1/EndQuarantineResponse.ts';
import type { Failure as _transship_agent_v1alpha1_Failure, Failure__Output as _transship_agent_v1alpha1_Failure__Output } from './transship/agent/v1alpha1/Failure.ts';
import type { Frame as _transship_agent_v1alpha1_Frame, Frame__Output as _transship_agent_v1alpha1_Frame__Output } from './transship/agent/v1alpha1/Frame.ts';
import type { ListSessionsRequest as _transship_agent_v1alpha1_ListSessionsRequest, ListSessionsRequest__Output as _transship_agent_v1alpha1_ListSessionsRequest__Output } from './transship/agent/v1alpha1/ListSessionsRequest.ts';
import type { ListSessionsResponse as _transship_agent_v1alpha1_ListSessionsResponse, ListSessionsResponse__Output as _transship_agent_v1alpha1_ListSessionsResponse__Output } from './transship/agent/v1alpha1/ListSessionsResponse.ts';
import type { ObserveRequest as _transship_agent_v1alpha1_ObserveRequest, ObserveRequest__Output as _transship_agent_v1alpha1_ObserveRequest__Output } from './transship/agent/v1alpha1/ObserveRequest.ts';
import type { PodReference as _transship_agent_v1alpha1_PodReference, PodReference__Output as _transship_agent_v1alpha1_PodReference__Output } from './transship/agent/v1alpha1/PodReference.ts';
import type { PodResources as _transship_agent_v1alpha1_PodResources, PodResources__Output as _transship_agent_v1alpha1_PodResources__Output } from './transship/agent/v1alpha1/PodResources.ts';
import type { PreCopyRequest as _transship_agent_v1alpha1_PreCopyRequest, PreCopyRequest__Output as _transship_agent_v1alpha1_PreCopyRequest__Output } from './transship/agent/v1alpha1/PreCopyRequest.ts';
import type { PrepareRequest as _transship_agent_v1alpha1_PrepareRequest, PrepareRequest__Output as _transship_agent_v1alpha1_PrepareRequest__Output } from './transship/agent/v1alpha1/PrepareRequest.ts';
import type { PullAck as _transship_agent_v1alpha1_PullAck, PullAck__Output as _transship_agent_v1alpha1_PullAck__Output } from './transship/agent/v1alpha1/PullAck.ts';
import type { PullOpen as _transship_agent_v1alpha1_PullOpen, PullOpen__Output as _transship_agent_v1alpha1_PullOpen__Output } from './transship/agent/v1alpha1/PullOpen.ts';
import type { PullRequest as _transship_agent_v1alpha1_PullRequest, PullRequest__Output as _transship_agent_v1alpha1_PullRequest__Output } from './transship/agent/v1alpha1/PullRequest.ts';
import type { PullResponse as _transship_agent_v1alpha1_PullResponse, PullResponse__Output as _transship_agent_v1alpha1_PullResponse__Output } from './transship/agent/v1alpha1/PullResponse.ts';
import type { Quarantine as _transship_agent_v1alpha1_Quarantine, Quarantine__Output as _transship_agent_v1alpha1_Quarantine__Output } from './transship/agent/v1alpha1/Quarantine.ts';
import type { QuiesceRequest as _transship_agent_v1alpha1_QuiesceRequest, QuiesceRequest__Output as _transship_agent_v1alpha1_QuiesceRequest__Output } from './transship/agent/v1alpha1/QuiesceRequest.ts';
import type { ReleaseRequest as _transship_agent_v1alpha1_ReleaseRequest, ReleaseRequest__Output as _transship_agent_v1alpha1_ReleaseRequest__Output } from './transship/agent/v1alpha1/ReleaseRequest.ts';
import type { RollBackRequest as _transship_agent_v1alpha1_RollBackRequest, RollBackRequest__Output as _transship_agent_v1alpha1_RollBackRequest__Output } from './transship/agent/v1alpha1/RollBackRequest.ts';
import type { SessionSnapshot as _transship_agent_v1alpha1_SessionSnapshot, SessionSnapshot__Output as _transship_agent_v1alpha1_SessionSnapshot__Output } from './transship/agent/v1alpha1/SessionSnapshot.ts';
import type { StopRequest as _transship_agent_v1alpha1_StopRequest, StopRequest__Output as _transship_agent_v1alpha1_StopRequest__Output } from './transship/agent/v1alpha1/StopRequest.ts';
import type { StreamProgress as _transship_agent_v1alpha1_StreamProgress, StreamProgress__Output as _transship_agent_v1alpha1_StreamProgress__Output } from './transship/agent/v1alpha1/StreamProgress.ts';
import type { StreamTotals as _transship_agent_v1alpha1_StreamTotals, StreamTotals__Output as _transship_agent_v1alpha1_StreamTotals__Output } from './transship/agent/v1alpha1/StreamTotals.ts';
import type { Topology as _transship_agent_v1alpha1_Topology, Topology__Output as _transship_agent_v1alpha1_Topology__Output } from './transship/agent/v1alpha1/Topology.ts';
import type { UnknownDevice as _transship_agent_v1alpha1_UnknownDevice, UnknownDevice__Output as _transship_agent_v1alpha1_UnknownDevice__Output } from './transship/agent/v1alpha1/UnknownDevice.ts';
import type { VerifyRequest as _transship_agent_v1alpha1_VerifyRequest, VerifyRequest__Output as _transship_agent_v1alpha1_VerifyRequest__Output } from './transship/agent/v1alpha1/VerifyRequest.ts';

type SubtypeConstructor<Constructor extends new (...args: any) => any, Subtype> = {
  new(...args: ConstructorParameters<Constructor>): Subtype;
};

export interface ProtoGrpcType {
  transship: {
    agent: {
      v1alpha1: {
        ActivateRequest: MessageTypeDefinition<_transship_agent_v1alpha1_ActivateRequest, _transship_agent_v1alpha1_ActivateRequest__Output>
        AttachRequest: MessageTypeDefinition<_transship_agent_v1alpha1_AttachRequest, _transship_agent_v1alpha1_AttachRequest__Output>
        CommandHeader: MessageTypeDefinition<_transship_agent_v1alpha1_CommandHeader, _transship_agent_v1alpha1_CommandHeader__Output>
        CommandReply: MessageTypeDefinition<_transship_agent_v1alpha1_CommandReply, _transship_agent_v1alpha1_CommandReply__Output>
        CommitRequest: MessageTypeDefinition<_transship_agent_v1alpha1_CommitRequest, _transship_agent_v1alpha1_CommitRequest__Output>
        Decision: EnumTypeDefinition
        DescribeDevicesRequest: MessageTypeDefinition<_transship_agent_v1alpha1_DescribeDevicesRequest, _transship_agent_v1alpha1_DescribeDevicesRequest__Output>
        DescribeDevicesResponse: MessageTypeDefinition<_transship_agent_v1alpha1_DescribeDevicesResponse, _transship_agent_v1alpha1_DescribeDevicesResponse__Output>
        DeviceAgent: SubtypeConstructor<typeof grpc.Client, _transship_agent_v1alpha1_DeviceAgentClient> & { service: _transship_agent_v1alpha1_DeviceAgentDefinition }
        DeviceDescription: MessageTypeDefinition<_transship_agent_v1alpha1_DeviceDescription, _transship_agent_v1alpha1_DeviceDescription__Output>
        DeviceSnapshot: MessageTypeDefinition<_transship_agent_v1alpha1_DeviceSnapshot, _transship_agent_v1alpha1_DeviceSnapshot__Output>
        DeviceState: EnumTypeDefinition
        DeviceTransfer: SubtypeConstructor<typeof grpc.Client, _transship_agent_v1alpha1_DeviceTransferClient> & { service: _transship_agent_v1alpha1_DeviceTransferDefinition }
        DiscardRequest: MessageTypeDefinition<_transship_agent_v1alpha1_DiscardRequest, _transship_agent_v1alpha1_DiscardRequest__Output>
        EndQuarantineRequest: MessageTypeDefinition<_transship_agent_v1alpha1_EndQuarantineRequest, _transship_agent_v1alpha1_EndQuarantineRequest__Output>
        EndQuarantineResponse: MessageTypeDefinition<_transship_agent_v1alpha1_EndQuarantineResponse, _transship_agent_v1alpha1_EndQuarantineResponse__Output>
        Failure: MessageTypeDefinition<_transship_agent_v1alpha1_Failure, _transship_agent_v1alpha1_Failure__Output>
        Frame: MessageTypeDefinition<_transship_agent_v1alpha1_Frame, _transship_agent_v1alpha1_Frame__Output>
        ListSessionsRequest: MessageTypeDefinition<_transship_agent_v1alpha1_ListSessionsRequest, _transship_agent_v1alpha1_ListSessionsRequest__Output>
        ListSessionsResponse: MessageTypeDefinition<_transship_agent_v1alpha1_ListSessionsResponse, _transship_agent_v1alpha1_ListSessionsResponse__Output>
        ObserveRequest: MessageTypeDefinition<_transship_agent_v1alpha1_ObserveRequest, _transship_agent_v1alpha1_ObserveRequest__Output>
        PodReference: MessageTypeDefinition<_transship_agent_v1alpha1_PodReference, _transship_agent_v1alpha1_PodReference__Output>
        PodResources: MessageTypeDefinition<_transship_agent_v1alpha1_PodResources, _transship_agent_v1alpha1_PodResources__Output>
        PreCopyRequest: MessageTypeDefinition<_transship_agent_v1alpha1_PreCopyRequest, _transship_agent_v1alpha1_PreCopyRequest__Output>
        PrepareRequest: MessageTypeDefinition<_transship_agent_v1alpha1_PrepareRequest, _transship_agent_v1alpha1_PrepareRequest__Output>
        PullAck: MessageTypeDefinition<_transship_agent_v1alpha1_PullAck, _transship_agent_v1alpha1_PullAck__Output>
        PullOpen: MessageTypeDefinition<_transship_agent_v1alpha1_PullOpen, _transship_agent_v1alpha1_PullOpen__Output>
        PullRequest: MessageTypeDefinition<_transship_agent_v1alpha1_PullRequest, _transship_agent_v1alpha1_PullRequest__Output>
        PullResponse: MessageTypeDefinition<_transship_agent_v1alpha1_PullResponse, _transship_agent_v1alpha1_PullResponse__Output>
        Quarantine: MessageTypeDefinition<_transship_agent_v1alpha1_Quarantine, _transship_agent_v1alpha1_Quarantine__Output>
        QuiesceRequest: MessageTypeDefinition<_transship_agent_v1alpha1_QuiesceRequest, _transship_agent_v1alpha1_QuiesceRequest__Output>
        ReleaseRequest: MessageTypeDefinition<_transship_agent_v1alpha1_ReleaseRequest, _transship_agent_v1alpha1_ReleaseRequest__Output>
        Role: EnumTypeDefinition
        RollBackRequest: MessageTypeDefinition<_transship_agent_v1alpha1_RollBackRequest, _transship_agent_v1alpha1_RollBackRequest__Output>
        SessionPhase: EnumTypeDefinition
        SessionSnapshot: MessageTypeDefinition<_transship_agent_v1alpha1_SessionSnapshot, _transship_agent_v1alpha1_SessionSnapshot__Output>
        StopRequest: MessageTypeDefinition<_transship_agent_v1alpha1_StopRequest, _transship_agent_v1alpha1_StopRequest__Output>
        StreamKind: EnumTypeDefinition
        StreamProgress: MessageTypeDefinition<_transship_agent_v1alpha1_StreamProgress, _transship_agent_v1alpha1_StreamProgress__Output>
        StreamTotals: MessageTypeDefinition<_transship_agent_v1alpha1_StreamTotals, _transship_agent_v1alpha1_StreamTotals__Output>
        Topology: MessageTypeDefinition<_transship_agent_v1alpha1_Topology, _transship_agent_v1alpha1_Topology__Output>
        UnknownDevice: MessageTypeDefinition<_transship_agent_v1alpha1_UnknownDevice, _transship_agent_v1alpha1_UnknownDevice__Output>
        VerifyRequest: MessageTypeDefinition<_transship_agent_v1alpha1_VerifyRequest, _transship_agent_v1alpha1_VerifyRequest__Output>
      }
    }
  }
}

