// Original file: proto/transship/workload/v1alpha1/hook.proto

import type { Long } from '@grpc/proto-loader';

export interface DirtyPages {
  'device'?: (string);
  'iova'?: (number | string | Long);
  'length'?: (number | string | Long);
  'pageSize'?: (number | string | Long);
  'bitmap'?: (Buffer | Uint8Array | string);
}

export interface DirtyPages__Output {
  'device': (string);
  'iova': (string);
  'length': (string);
  'pageSize': (string);
  'bitmap': (Buffer);
}
