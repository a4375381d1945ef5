// Original file: proto/transship/agent/v1alpha1/agent.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { PullRequest as _transship_agent_v1alpha1_PullRequest, PullRequest__Output as _transship_agent_v1alpha1_PullRequest__Output } from '../../../transship/agent/v1alpha1/PullRequest.ts';
import type { PullResponse as _transship_agent_v1alpha1_PullResponse, PullResponse__Output as _transship_agent_v1alpha1_PullResponse__Output } from '../../../transship/agent/v1alpha1/PullResponse.ts';

export interface DeviceTransferClient extends grpc.Client {
  Pull(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<_transship_agent_v1alpha1_PullRequest, _transship_agent_v1alpha1_PullResponse__Output>;
  Pull(options?: grpc.CallOptions): grpc.ClientDuplexStream<_transship_agent_v1alpha1_PullRequest, _transship_agent_v1alpha1_PullResponse__Output>;
  pull(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<_transship_agent_v1alpha1_PullRequest, _transship_agent_v1alpha1_PullResponse__Output>;
  pull(options?: grpc.CallOptions): grpc.ClientDuplexStream<_transship_agent_v1alpha1_PullRequest, _transship_agent_v1alpha1_PullResponse__Output>;
  
}

export interface DeviceTransferHandlers extends grpc.UntypedServiceImplementation {
  Pull: grpc.handleBidiStreamingCall<_transship_agent_v1alpha1_PullRequest__Output, _transship_agent_v1alpha1_PullResponse>;
  
}

export interface DeviceTransferDefinition extends grpc.ServiceDefinition {
  Pull: MethodDefinition<_transship_agent_v1alpha1_PullRequest, _transship_agent_v1alpha1_PullResponse, _transship_agent_v1alpha1_PullRequest__Output, _transship_agent_v1alpha1_PullResponse__Output>
}
