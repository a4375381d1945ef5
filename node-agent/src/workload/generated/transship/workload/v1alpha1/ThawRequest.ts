// Original file: proto/transship/workload/v1alpha1/hook.proto


export interface ThawRequest {
  'savingId'?: (string);
}

export interface ThawRequest__Output {
  'savingId': (string);
}
