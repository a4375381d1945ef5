// Original file: proto/transship/workload/v1alpha1/hook.proto

import type { SavePass as _transship_workload_v1alpha1_SavePass, SavePass__Output as _transship_workload_v1alpha1_SavePass__Output } from '../../../transship/workload/v1alpha1/SavePass.ts';

export interface SaveBegin {
  'savingId'?: (string);
  'pass'?: (_transship_workload_v1alpha1_SavePass);
  'incremental'?: (boolean);
}

export interface SaveBegin__Output {
  'savingId': (string);
  'pass': (_transship_workload_v1alpha1_SavePass__Output);
  'incremental': (boolean);
}
