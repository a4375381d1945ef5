// Original file: proto/transship/workload/v1alpha1/hook.proto

import type { Long } from '@grpc/proto-loader';

export interface DmaRange {
  'iova'?: (number | string | Long);
  'length'?: (number | string | Long);
}

export interface DmaRange__Output {
  'iova': (string);
  'length': (string);
}
