// Original file: proto/kubelet/podresources/v1/podresources.proto


export interface ListPodResourcesRequest {
}

export interface ListPodResourcesRequest__Output {
}
