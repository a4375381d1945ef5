// Original file: proto/transship/workload/v1alpha1/hook.proto


export interface ThawRequest {
}

export interface ThawRequest__Output {
}
