// Original file: proto/transship/agent/v1alpha1/agent.proto

import type { Long } from '@grpc/proto-loader';

export interface PullAck {
  'written'?: (number | string | Long);
  'accepted'?: (number | string | Long);
}

export interface PullAck__Output {
  'written': (number);
  'accepted': (number);
}
