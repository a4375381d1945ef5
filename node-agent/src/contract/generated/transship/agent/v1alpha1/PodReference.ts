// Original file: proto/transship/agent/v1alpha1/agent.proto


export interface PodReference {
  'namespace'?: (string);
  'name'?: (string);
}

export interface PodReference__Output {
  'namespace': (string);
  'name': (string);
}
