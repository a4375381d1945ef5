// Original file: proto/transship/workload/v1alpha1/hook.proto


export interface DirtyUnknown {
  'device'?: (string);
  'reason'?: (string);
}

export interface DirtyUnknown__Output {
  'device': (string);
  'reason': (string);
}
