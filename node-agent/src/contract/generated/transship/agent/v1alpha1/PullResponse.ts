// Original file: proto/transship/agent/v1alpha1/agent.proto

import type { Frame as _transship_agent_v1alpha1_Frame, Frame__Output as _transship_agent_v1alpha1_Frame__Output } from '../../../transship/agent/v1alpha1/Frame.ts';
import type { StreamTotals as _transship_agent_v1alpha1_StreamTotals, StreamTotals__Output as _transship_agent_v1alpha1_StreamTotals__Output } from '../../../transship/agent/v1alpha1/StreamTotals.ts';

export interface PullResponse {
  'frame'?: (_transship_agent_v1alpha1_Frame | null);
  'end'?: (_transship_agent_v1alpha1_StreamTotals | null);
  'kind'?: "frame"|"end";
}

export interface PullResponse__Output {
  'frame'?: (_transship_agent_v1alpha1_Frame__Output | null);
  'end'?: (_transship_agent_v1alpha1_StreamTotals__Output | null);
  'kind'?: "frame"|"end";
}
