// Original file: proto/transship/agent/v1alpha1/agent.proto

import type { StreamTotals as _transship_agent_v1alpha1_StreamTotals, StreamTotals__Output as _transship_agent_v1alpha1_StreamTotals__Output } from '../../../transship/agent/v1alpha1/StreamTotals.ts';
import type { Long } from '@grpc/proto-loader';

export interface StreamProgress {
  'totals'?: (_transship_agent_v1alpha1_StreamTotals | null);
  'ended'?: (boolean);
  'pendingBytes'?: (number | string | Long);
  'initialPending'?: (boolean);
  'stopCopyBytes'?: (number | string | Long);
}

export interface StreamProgress__Output {
  'totals': (_transship_agent_v1alpha1_StreamTotals__Output | null);
  'ended': (boolean);
  'pendingBytes': (number);
  'initialPending': (boolean);
  'stopCopyBytes': (number);
}
