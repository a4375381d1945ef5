// Original file: proto/transship/workload/v1alpha1/hook.proto

import type { Long } from '@grpc/proto-loader';

export interface SaveResponse {
  'data'?: (Buffer | Uint8Array | string);
  'pendingBytes'?: (number | string | Long);
}

export interface SaveResponse__Output {
  'data': (Buffer);
  'pendingBytes': (string);
}
