// Original file: proto/transship/agent/v1alpha1/agent.proto

import type { CommandHeader as _transship_agent_v1alpha1_CommandHeader, CommandHeader__Output as _transship_agent_v1alpha1_CommandHeader__Output } from '../../../transship/agent/v1alpha1/CommandHeader.ts';

export interface StopRequest {
  'header'?: (_transship_agent_v1alpha1_CommandHeader | null);
  'generation'?: (number);
}

export interface StopRequest__Output {
  'header': (_transship_agent_v1alpha1_CommandHeader__Output | null);
  'generation': (number);
}
