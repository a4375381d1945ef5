// Original file: proto/transship/agent/v1alpha1/agent.proto

import type { CommandHeader as _transship_agent_v1alpha1_CommandHeader, CommandHeader__Output as _transship_agent_v1alpha1_CommandHeader__Output } from '../../../transship/agent/v1alpha1/CommandHeader.ts';
import type { StreamTotals as _transship_agent_v1alpha1_StreamTotals, StreamTotals__Output as _transship_agent_v1alpha1_StreamTotals__Output } from '../../../transship/agent/v1alpha1/StreamTotals.ts';

export interface VerifyRequest {
  'header'?: (_transship_agent_v1alpha1_CommandHeader | null);
  'generation'?: (number);
  'expected'?: (_transship_agent_v1alpha1_StreamTotals)[];
}

export interface VerifyRequest__Output {
  'header': (_transship_agent_v1alpha1_CommandHeader__Output | null);
  'generation': (number);
  'expected': (_transship_agent_v1alpha1_StreamTotals__Output)[];
}
