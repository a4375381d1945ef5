// Original file: proto/transship/agent/v1alpha1/agent.proto

import type { CommandHeader as _transship_agent_v1alpha1_CommandHeader, CommandHeader__Output as _transship_agent_v1alpha1_CommandHeader__Output } from '../../../transship/agent/v1alpha1/CommandHeader.ts';
import type { Role as _transship_agent_v1alpha1_Role, Role__Output as _transship_agent_v1alpha1_Role__Output } from '../../../transship/agent/v1alpha1/Role.ts';
import type { Long } from '@grpc/proto-loader';

export interface PrepareRequest {
  'header'?: (_transship_agent_v1alpha1_CommandHeader | null);
  'role'?: (_transship_agent_v1alpha1_Role);
  'generation'?: (number);
  'devices'?: (string)[];
  'sourceEndpoint'?: (string);
  'sourceNode'?: (string);
  'ticket'?: (Buffer | Uint8Array | string);
  'bandwidthLimit'?: (number | string | Long);
}

export interface PrepareRequest__Output {
  'header': (_transship_agent_v1alpha1_CommandHeader__Output | null);
  'role': (_transship_agent_v1alpha1_Role__Output);
  'generation': (number);
  'devices': (string)[];
  'sourceEndpoint': (string);
  'sourceNode': (string);
  'ticket': (Buffer);
  'bandwidthLimit': (number);
}
