// Original file: proto/transship/workload/v1alpha1/hook.proto

import type { State as _transship_workload_v1alpha1_State, State__Output as _transship_workload_v1alpha1_State__Output } from '../../../transship/workload/v1alpha1/State.ts';
import type { Long } from '@grpc/proto-loader';

export interface LoadResponse {
  'state'?: (_transship_workload_v1alpha1_State);
  'bytes'?: (number | string | Long);
}

export interface LoadResponse__Output {
  'state': (_transship_workload_v1alpha1_State__Output);
  'bytes': (string);
}
