// Original file: proto/transship/workload/v1alpha1/hook.proto


export interface GetStateRequest {
}

export interface GetStateRequest__Output {
}
