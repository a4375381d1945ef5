// Original file: proto/transship/agent/v1alpha1/agent.proto

import type { PodReference as _transship_agent_v1alpha1_PodReference, PodReference__Output as _transship_agent_v1alpha1_PodReference__Output } from '../../../transship/agent/v1alpha1/PodReference.ts';

export interface UnknownDevice {
  'pod'?: (_transship_agent_v1alpha1_PodReference | null);
  'resource'?: (string);
  'device'?: (string);
  'reason'?: (string);
}

export interface UnknownDevice__Output {
  'pod': (_transship_agent_v1alpha1_PodReference__Output | null);
  'resource': (string);
  'device': (string);
  'reason': (string);
}
