// Original file: proto/transship/workload/v1alpha1/hook.proto

import type { State as _transship_workload_v1alpha1_State, State__Output as _transship_workload_v1alpha1_State__Output } from '../../../transship/workload/v1alpha1/State.ts';

export interface ExpectIncomingResponse {
  'state'?: (_transship_workload_v1alpha1_State);
}

export interface ExpectIncomingResponse__Output {
  'state': (_transship_workload_v1alpha1_State__Output);
}
