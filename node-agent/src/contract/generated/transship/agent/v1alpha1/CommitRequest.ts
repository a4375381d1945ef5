// Original file: proto/transship/agent/v1alpha1/agent.proto

import type { CommandHeader as _transship_agent_v1alpha1_CommandHeader, CommandHeader__Output as _transship_agent_v1alpha1_CommandHeader__Output } from '../../../transship/agent/v1alpha1/CommandHeader.ts';
import type { Decision as _transship_agent_v1alpha1_Decision, Decision__Output as _transship_agent_v1alpha1_Decision__Output } from '../../../transship/agent/v1alpha1/Decision.ts';

export interface CommitRequest {
  'header'?: (_transship_agent_v1alpha1_CommandHeader | null);
  'decision'?: (_transship_agent_v1alpha1_Decision);
}

export interface CommitRequest__Output {
  'header': (_transship_agent_v1alpha1_CommandHeader__Output | null);
  'decision': (_transship_agent_v1alpha1_Decision__Output);
}
