// Original file: proto/transship/agent/v1alpha1/agent.proto

import type { StreamKind as _transship_agent_v1alpha1_StreamKind, StreamKind__Output as _transship_agent_v1alpha1_StreamKind__Output } from '../../../transship/agent/v1alpha1/StreamKind.ts';
import type { Long } from '@grpc/proto-loader';

export interface PullOpen {
  'migrationUid'?: (string);
  'fence'?: (number | string | Long);
  'ticket'?: (Buffer | Uint8Array | string);
  'stream'?: (_transship_agent_v1alpha1_StreamKind);
  'deviceIndex'?: (number);
  'generation'?: (number);
  'next'?: (number | string | Long);
}

export interface PullOpen__Output {
  'migrationUid': (string);
  'fence': (number);
  'ticket': (Buffer);
  'stream': (_transship_agent_v1alpha1_StreamKind__Output);
  'deviceIndex': (number);
  'generation': (number);
  'next': (number);
}
