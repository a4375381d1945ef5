// Original file: proto/transship/workload/v1alpha1/hook.proto


export interface FreezeRequest {
}

export interface FreezeRequest__Output {
}
