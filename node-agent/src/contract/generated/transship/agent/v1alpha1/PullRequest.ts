// Original file: proto/transship/agent/v1alpha1/agent.proto

import type { PullOpen as _transship_agent_v1alpha1_PullOpen, PullOpen__Output as _transship_agent_v1alpha1_PullOpen__Output } from '../../../transship/agent/v1alpha1/PullOpen.ts';
import type { PullAck as _transship_agent_v1alpha1_PullAck, PullAck__Output as _transship_agent_v1alpha1_PullAck__Output } from '../../../transship/agent/v1alpha1/PullAck.ts';

export interface PullRequest {
  'open'?: (_transship_agent_v1alpha1_PullOpen | null);
  'ack'?: (_transship_agent_v1alpha1_PullAck | null);
  'kind'?: "open"|"ack";
}

export interface PullRequest__Output {
  'open'?: (_transship_agent_v1alpha1_PullOpen__Output | null);
  'ack'?: (_transship_agent_v1alpha1_PullAck__Output | null);
  'kind'?: "open"|"ack";
}
