// Original file: proto/transship/agent/v1alpha1/agent.proto

import type { Failure as _transship_agent_v1alpha1_Failure, Failure__Output as _transship_agent_v1alpha1_Failure__Output } from '../../../transship/agent/v1alpha1/Failure.ts';
import type { SessionSnapshot as _transship_agent_v1alpha1_SessionSnapshot, SessionSnapshot__Output as _transship_agent_v1alpha1_SessionSnapshot__Output } from '../../../transship/agent/v1alpha1/SessionSnapshot.ts';

export interface CommandReply {
  'refusal'?: (_transship_agent_v1alpha1_Failure | null);
  'session'?: (_transship_agent_v1alpha1_SessionSnapshot | null);
}

export interface CommandReply__Output {
  'refusal': (_transship_agent_v1alpha1_Failure__Output | null);
  'session': (_transship_agent_v1alpha1_SessionSnapshot__Output | null);
}
