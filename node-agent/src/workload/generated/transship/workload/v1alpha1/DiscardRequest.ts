// Original file: proto/transship/workload/v1alpha1/hook.proto


export interface DiscardRequest {
}

export interface DiscardRequest__Output {
}
