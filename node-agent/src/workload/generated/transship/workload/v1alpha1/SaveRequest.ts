// Original file: proto/transship/workload/v1alpha1/hook.proto

import type { SaveBegin as _transship_workload_v1alpha1_SaveBegin, SaveBegin__Output as _transship_workload_v1alpha1_SaveBegin__Output } from '../../../transship/workload/v1alpha1/SaveBegin.ts';
import type { DirtyPages as _transship_workload_v1alpha1_DirtyPages, DirtyPages__Output as _transship_workload_v1alpha1_DirtyPages__Output } from '../../../transship/workload/v1alpha1/DirtyPages.ts';
import type { DirtyUnknown as _transship_workload_v1alpha1_DirtyUnknown, DirtyUnknown__Output as _transship_workload_v1alpha1_DirtyUnknown__Output } from '../../../transship/workload/v1alpha1/DirtyUnknown.ts';

export interface SaveRequest {
  'begin'?: (_transship_workload_v1alpha1_SaveBegin | null);
  'dirty'?: (_transship_workload_v1alpha1_DirtyPages | null);
  'dirtyUnknown'?: (_transship_workload_v1alpha1_DirtyUnknown | null);
  'kind'?: "begin"|"dirty"|"dirtyUnknown";
}

export interface SaveRequest__Output {
  'begin'?: (_transship_workload_v1alpha1_SaveBegin__Output | null);
  'dirty'?: (_transship_workload_v1alpha1_DirtyPages__Output | null);
  'dirtyUnknown'?: (_transship_workload_v1alpha1_DirtyUnknown__Output | null);
  'kind'?: "begin"|"dirty"|"dirtyUnknown";
}
