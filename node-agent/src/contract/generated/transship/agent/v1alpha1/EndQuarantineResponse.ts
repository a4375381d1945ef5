// Original file: proto/transship/agent/v1alpha1/agent.proto

import type { Failure as _transship_agent_v1alpha1_Failure, Failure__Output as _transship_agent_v1alpha1_Failure__Output } from '../../../transship/agent/v1alpha1/Failure.ts';
import type { DeviceDescription as _transship_agent_v1alpha1_DeviceDescription, DeviceDescription__Output as _transship_agent_v1alpha1_DeviceDescription__Output } from '../../../transship/agent/v1alpha1/DeviceDescription.ts';

export interface EndQuarantineResponse {
  'refusal'?: (_transship_agent_v1alpha1_Failure | null);
  'device'?: (_transship_agent_v1alpha1_DeviceDescription | null);
}

export interface EndQuarantineResponse__Output {
  'refusal': (_transship_agent_v1alpha1_Failure__Output | null);
  'device': (_transship_agent_v1alpha1_DeviceDescription__Output | null);
}
