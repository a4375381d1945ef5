// Original file: proto/transship/workload/v1alpha1/hook.proto


export interface ExpectIncomingRequest {
  'savingId'?: (string);
}

export interface ExpectIncomingRequest__Output {
  'savingId': (string);
}
