// Original file: proto/transship/agent/v1alpha1/agent.proto

import type { DeviceDescription as _transship_agent_v1alpha1_DeviceDescription, DeviceDescription__Output as _transship_agent_v1alpha1_DeviceDescription__Output } from '../../../transship/agent/v1alpha1/DeviceDescription.ts';
import type { PodResources as _transship_agent_v1alpha1_PodResources, PodResources__Output as _transship_agent_v1alpha1_PodResources__Output } from '../../../transship/agent/v1alpha1/PodResources.ts';

export interface DescribeDevicesResponse {
  'nodeName'?: (string);
  'agentVersion'?: (string);
  'transferEndpoint'?: (string);
  'devices'?: (_transship_agent_v1alpha1_DeviceDescription)[];
  'contractVersion'?: (number);
  'podResources'?: (_transship_agent_v1alpha1_PodResources | null);
}

export interface DescribeDevicesResponse__Output {
  'nodeName': (string);
  'agentVersion': (string);
  'transferEndpoint': (string);
  'devices': (_transship_agent_v1alpha1_DeviceDescription__Output)[];
  'contractVersion': (number);
  'podResources': (_transship_agent_v1alpha1_PodResources__Output | null);
}
