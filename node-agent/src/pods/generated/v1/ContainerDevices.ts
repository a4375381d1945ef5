// Original file: proto/kubelet/podresources/v1/podresources.proto


export interface ContainerDevices {
  'resourceName'?: (string);
  'deviceIds'?: (string)[];
}

export interface ContainerDevices__Output {
  'resourceName': (string);
  'deviceIds': (string)[];
}
