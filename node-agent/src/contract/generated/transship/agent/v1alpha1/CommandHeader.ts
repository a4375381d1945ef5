// Original file: proto/transship/agent/v1alpha1/agent.proto

import type { Long } from '@grpc/proto-loader';

export interface CommandHeader {
  'migrationUid'?: (string);
  'fence'?: (number | string | Long);
  'sequence'?: (number | string | Long);
  'operator'?: (string);
  'waitMs'?: (number);
  'contractVersion'?: (number);
  'ticket'?: (Buffer | Uint8Array | string);
}

export interface CommandHeader__Output {
  'migrationUid': (string);
  'fence': (number);
  'sequence': (number);
  'operator': (string);
  'waitMs': (number);
  'contractVersion': (number);
  'ticket': (Buffer);
}
