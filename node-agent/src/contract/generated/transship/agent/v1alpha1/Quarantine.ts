// Original file: proto/transship/agent/v1alpha1/agent.proto


export interface Quarantine {
  'code'?: (string);
  'message'?: (string);
  'since'?: (string);
  'migrationUid'?: (string);
  'remedy'?: (string);
}

export interface Quarantine__Output {
  'code': (string);
  'message': (string);
  'since': (string);
  'migrationUid': (string);
  'remedy': (string);
}
