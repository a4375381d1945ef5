// Original file: proto/transship/workload/v1alpha1/hook.proto


export interface DescribeRequest {
}

export interface DescribeRequest__Output {
}
