// Original file: proto/transship/workload/v1alpha1/hook.proto


export interface NotifyDevicesResetRequest {
  'devices'?: (string)[];
}

export interface NotifyDevicesResetRequest__Output {
  'devices': (string)[];
}
