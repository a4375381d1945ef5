// Original file: proto/transship/agent/v1alpha1/agent.proto

import type { Long } from '@grpc/proto-loader';

export interface Frame {
  'position'?: (number | string | Long);
  'segment'?: (number | string | Long);
  'segmentSize'?: (number | string | Long);
  'offsetInSegment'?: (number | string | Long);
  'data'?: (Buffer | Uint8Array | string);
  'crc32c'?: (number);
}

export interface Frame__Output {
  'position': (number);
  'segment': (number);
  'segmentSize': (number);
  'offsetInSegment': (number);
  'data': (Buffer);
  'crc32c': (number);
}
