// Original file: proto/transship/workload/v1alpha1/hook.proto


export interface LoadBegin {
  'savingId'?: (string);
}

export interface LoadBegin__Output {
  'savingId': (string);
}
