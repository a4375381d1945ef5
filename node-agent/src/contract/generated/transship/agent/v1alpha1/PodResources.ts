// Original file: proto/transship/agent/v1alpha1/agent.proto

import type { UnknownDevice as _transship_agent_v1alpha1_UnknownDevice, UnknownDevice__Output as _transship_agent_v1alpha1_UnknownDevice__Output } from '../../../transship/agent/v1alpha1/UnknownDevice.ts';

export interface PodResources {
  'known'?: (boolean);
  'message'?: (string);
  'unknownDevices'?: (_transship_agent_v1alpha1_UnknownDevice)[];
}

export interface PodResources__Output {
  'known': (boolean);
  'message': (string);
  'unknownDevices': (_transship_agent_v1alpha1_UnknownDevice__Output)[];
}
