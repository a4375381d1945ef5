// Original file: proto/transship/agent/v1alpha1/agent.proto


export interface Failure {
  'code'?: (string);
  'message'?: (string);
  'device'?: (string);
}

export interface Failure__Output {
  'code': (string);
  'message': (string);
  'device': (string);
}
