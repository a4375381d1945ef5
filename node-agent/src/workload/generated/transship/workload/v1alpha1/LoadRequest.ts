// Original file: proto/transship/workload/v1alpha1/hook.proto

import type { LoadBegin as _transship_workload_v1alpha1_LoadBegin, LoadBegin__Output as _transship_workload_v1alpha1_LoadBegin__Output } from '../../../transship/workload/v1alpha1/LoadBegin.ts';

export interface LoadRequest {
  'begin'?: (_transship_workload_v1alpha1_LoadBegin | null);
  'data'?: (Buffer | Uint8Array | string);
  'kind'?: "begin"|"data";
}

export interface LoadRequest__Output {
  'begin'?: (_transship_workload_v1alpha1_LoadBegin__Output | null);
  'data'?: (Buffer);
  'kind'?: "begin"|"data";
}
