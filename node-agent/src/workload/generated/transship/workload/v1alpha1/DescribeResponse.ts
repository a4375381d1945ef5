// Original file: proto/transship/workload/v1alpha1/hook.proto

import type { DmaRange as _transship_workload_v1alpha1_DmaRange, DmaRange__Output as _transship_workload_v1alpha1_DmaRange__Output } from '../../../transship/workload/v1alpha1/DmaRange.ts';
import type { Long } from '@grpc/proto-loader';

export interface DescribeResponse {
  'workload'?: (string);
  'devices'?: (string)[];
  'livePass'?: (boolean);
  'dmaRanges'?: (_transship_workload_v1alpha1_DmaRange)[];
  'dmaPageSize'?: (number | string | Long);
}

export interface DescribeResponse__Output {
  'workload': (string);
  'devices': (string)[];
  'livePass': (boolean);
  'dmaRanges': (_transship_workload_v1alpha1_DmaRange__Output)[];
  'dmaPageSize': (string);
}
