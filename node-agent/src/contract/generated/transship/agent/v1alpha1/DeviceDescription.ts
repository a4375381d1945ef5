// Original file: proto/transship/agent/v1alpha1/agent.proto

import type { DeviceState as _transship_agent_v1alpha1_DeviceState, DeviceState__Output as _transship_agent_v1alpha1_DeviceState__Output } from '../../../transship/agent/v1alpha1/DeviceState.ts';
import type { Quarantine as _transship_agent_v1alpha1_Quarantine, Quarantine__Output as _transship_agent_v1alpha1_Quarantine__Output } from '../../../transship/agent/v1alpha1/Quarantine.ts';
import type { PodReference as _transship_agent_v1alpha1_PodReference, PodReference__Output as _transship_agent_v1alpha1_PodReference__Output } from '../../../transship/agent/v1alpha1/PodReference.ts';
import type { Topology as _transship_agent_v1alpha1_Topology, Topology__Output as _transship_agent_v1alpha1_Topology__Output } from '../../../transship/agent/v1alpha1/Topology.ts';
import type { Long } from '@grpc/proto-loader';

export interface DeviceDescription {
  'id'?: (string);
  'protocol'?: (string);
  'vendorId'?: (number);
  'deviceId'?: (number);
  'subsystemVendorId'?: (number);
  'subsystemId'?: (number);
  'revisionId'?: (number);
  'driver'?: (string);
  'firmware'?: (string);
  'p2p'?: (boolean);
  'preCopy'?: (boolean);
  'resetSupported'?: (boolean);
  'regionSize'?: (number | string | Long);
  'dataWindowSize'?: (number | string | Long);
  'state'?: (_transship_agent_v1alpha1_DeviceState);
  'health'?: (string);
  'reason'?: (string);
  'migrationUid'?: (string);
  'notMigratable'?: (string);
  'code'?: (string);
  'workload'?: (string);
  'interface'?: (string);
  'dmaLogging'?: (boolean);
  'migrationFlags'?: (number);
  'quarantine'?: (_transship_agent_v1alpha1_Quarantine | null);
  'pciAddress'?: (string);
  'pod'?: (_transship_agent_v1alpha1_PodReference | null);
  'topology'?: (_transship_agent_v1alpha1_Topology | null);
}

export interface DeviceDescription__Output {
  'id': (string);
  'protocol': (string);
  'vendorId': (number);
  'deviceId': (number);
  'subsystemVendorId': (number);
  'subsystemId': (number);
  'revisionId': (number);
  'driver': (string);
  'firmware': (string);
  'p2p': (boolean);
  'preCopy': (boolean);
  'resetSupported': (boolean);
  'regionSize': (number);
  'dataWindowSize': (number);
  'state': (_transship_agent_v1alpha1_DeviceState__Output);
  'health': (string);
  'reason': (string);
  'migrationUid': (string);
  'notMigratable': (string);
  'code': (string);
  'workload': (string);
  'interface': (string);
  'dmaLogging': (boolean);
  'migrationFlags': (number);
  'quarantine': (_transship_agent_v1alpha1_Quarantine__Output | null);
  'pciAddress': (string);
  'pod': (_transship_agent_v1alpha1_PodReference__Output | null);
  'topology': (_transship_agent_v1alpha1_Topology__Output | null);
}
