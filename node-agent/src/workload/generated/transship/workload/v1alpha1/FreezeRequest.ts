// Original file: proto/transship/workload/v1alpha1/hook.proto


export interface FreezeRequest {
  'savingId'?: (string);
}

export interface FreezeRequest__Output {
  'savingId': (string);
}
