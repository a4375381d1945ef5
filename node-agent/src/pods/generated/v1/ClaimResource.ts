// Original file: proto/kubelet/podresources/v1/podresources.proto


export interface ClaimResource {
  'driverName'?: (string);
  'poolName'?: (string);
  'deviceName'?: (string);
}

export interface ClaimResource__Output {
  'driverName': (string);
  'poolName': (string);
  'deviceName': (string);
}
