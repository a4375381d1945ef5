// Original file: proto/transship/agent/v1alpha1/agent.proto


export interface DescribeDevicesRequest {
  'ids'?: (string)[];
}

export interface DescribeDevicesRequest__Output {
  'ids': (string)[];
}
