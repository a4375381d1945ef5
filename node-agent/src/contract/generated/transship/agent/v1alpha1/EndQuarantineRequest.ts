// Original file: proto/transship/agent/v1alpha1/agent.proto


export interface EndQuarantineRequest {
  'deviceId'?: (string);
  'migrationUid'?: (string);
}

export interface EndQuarantineRequest__Output {
  'deviceId': (string);
  'migrationUid': (string);
}
