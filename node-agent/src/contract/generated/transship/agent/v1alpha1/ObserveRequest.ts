// Original file: proto/transship/agent/v1alpha1/agent.proto

import type { Role as _transship_agent_v1alpha1_Role, Role__Output as _transship_agent_v1alpha1_Role__Output } from '../../../transship/agent/v1alpha1/Role.ts';

export interface ObserveRequest {
  'migrationUid'?: (string);
  'role'?: (_transship_agent_v1alpha1_Role);
}

export interface ObserveRequest__Output {
  'migrationUid': (string);
  'role': (_transship_agent_v1alpha1_Role__Output);
}
