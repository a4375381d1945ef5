// Original file: proto/transship/agent/v1alpha1/agent.proto

import type { StreamKind as _transship_agent_v1alpha1_StreamKind, StreamKind__Output as _transship_agent_v1alpha1_StreamKind__Output } from '../../../transship/agent/v1alpha1/StreamKind.ts';
import type { Long } from '@grpc/proto-loader';

export interface StreamTotals {
  'kind'?: (_transship_agent_v1alpha1_StreamKind);
  'deviceIndex'?: (number);
  'bytes'?: (number | string | Long);
  'segments'?: (number | string | Long);
  'crc32c'?: (number);
}

export interface StreamTotals__Output {
  'kind': (_transship_agent_v1alpha1_StreamKind__Output);
  'deviceIndex': (number);
  'bytes': (number);
  'segments': (number);
  'crc32c': (number);
}
