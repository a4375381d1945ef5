// Original file: proto/transship/agent/v1alpha1/agent.proto


export interface ListSessionsRequest {
  'onlyBound'?: (boolean);
  'after'?: (string);
}

export interface ListSessionsRequest__Output {
  'onlyBound': (boolean);
  'after': (string);
}
