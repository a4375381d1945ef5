// Original file: proto/transship/agent/v1alpha1/agent.proto

import type { DeviceState as _transship_agent_v1alpha1_DeviceState, DeviceState__Output as _transship_agent_v1alpha1_DeviceState__Output } from '../../../transship/agent/v1alpha1/DeviceState.ts';

export interface DeviceSnapshot {
  'id'?: (string);
  'state'?: (_transship_agent_v1alpha1_DeviceState);
  'lost'?: (boolean);
  'quarantined'?: (boolean);
  'stuck'?: (boolean);
  'preCopy'?: (boolean);
  'protocol'?: (string);
}

export interface DeviceSnapshot__Output {
  'id': (string);
  'state': (_transship_agent_v1alpha1_DeviceState__Output);
  'lost': (boolean);
  'quarantined': (boolean);
  'stuck': (boolean);
  'preCopy': (boolean);
  'protocol': (string);
}
