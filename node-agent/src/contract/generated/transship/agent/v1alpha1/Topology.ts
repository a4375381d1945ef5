// Original file: proto/transship/agent/v1alpha1/agent.proto


export interface Topology {
  'pcieRoot'?: (string);
  'numaNode'?: (number);
}

export interface Topology__Output {
  'pcieRoot': (string);
  'numaNode': (number);
}
