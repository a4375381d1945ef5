// Original file: proto/transship/agent/v1alpha1/agent.proto

import type { SessionSnapshot as _transship_agent_v1alpha1_SessionSnapshot, SessionSnapshot__Output as _transship_agent_v1alpha1_SessionSnapshot__Output } from '../../../transship/agent/v1alpha1/SessionSnapshot.ts';

export interface ListSessionsResponse {
  'sessions'?: (_transship_agent_v1alpha1_SessionSnapshot)[];
  'next'?: (string);
}

export interface ListSessionsResponse__Output {
  'sessions': (_transship_agent_v1alpha1_SessionSnapshot__Output)[];
  'next': (string);
}
