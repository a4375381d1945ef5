// Original file: proto/transship/agent/v1alpha1/agent.proto

import type { Role as _transship_agent_v1alpha1_Role, Role__Output as _transship_agent_v1alpha1_Role__Output } from '../../../transship/agent/v1alpha1/Role.ts';
import type { SessionPhase as _transship_agent_v1alpha1_SessionPhase, SessionPhase__Output as _transship_agent_v1alpha1_SessionPhase__Output } from '../../../transship/agent/v1alpha1/SessionPhase.ts';
import type { Failure as _transship_agent_v1alpha1_Failure, Failure__Output as _transship_agent_v1alpha1_Failure__Output } from '../../../transship/agent/v1alpha1/Failure.ts';
import type { DeviceSnapshot as _transship_agent_v1alpha1_DeviceSnapshot, DeviceSnapshot__Output as _transship_agent_v1alpha1_DeviceSnapshot__Output } from '../../../transship/agent/v1alpha1/DeviceSnapshot.ts';
import type { StreamProgress as _transship_agent_v1alpha1_StreamProgress, StreamProgress__Output as _transship_agent_v1alpha1_StreamProgress__Output } from '../../../transship/agent/v1alpha1/StreamProgress.ts';
import type { Decision as _transship_agent_v1alpha1_Decision, Decision__Output as _transship_agent_v1alpha1_Decision__Output } from '../../../transship/agent/v1alpha1/Decision.ts';
import type { Long } from '@grpc/proto-loader';

export interface SessionSnapshot {
  'migrationUid'?: (string);
  'role'?: (_transship_agent_v1alpha1_Role);
  'fence'?: (number | string | Long);
  'sequence'?: (number | string | Long);
  'phase'?: (_transship_agent_v1alpha1_SessionPhase);
  'generation'?: (number);
  'settled'?: (boolean);
  'error'?: (_transship_agent_v1alpha1_Failure | null);
  'devices'?: (_transship_agent_v1alpha1_DeviceSnapshot)[];
  'streams'?: (_transship_agent_v1alpha1_StreamProgress)[];
  'ticket'?: (Buffer | Uint8Array | string);
  'decision'?: (_transship_agent_v1alpha1_Decision);
  'quiesceTimeouts'?: (number);
  'version'?: (number | string | Long);
  'agentInstance'?: (string);
  'takesCommit'?: (boolean);
}

export interface SessionSnapshot__Output {
  'migrationUid': (string);
  'role': (_transship_agent_v1alpha1_Role__Output);
  'fence': (number);
  'sequence': (number);
  'phase': (_transship_agent_v1alpha1_SessionPhase__Output);
  'generation': (number);
  'settled': (boolean);
  'error': (_transship_agent_v1alpha1_Failure__Output | null);
  'devices': (_transship_agent_v1alpha1_DeviceSnapshot__Output)[];
  'streams': (_transship_agent_v1alpha1_StreamProgress__Output)[];
  'ticket': (Buffer);
  'decision': (_transship_agent_v1alpha1_Decision__Output);
  'quiesceTimeouts': (number);
  'version': (number);
  'agentInstance': (string);
  'takesCommit': (boolean);
}
