// Original file: proto/transship/agent/v1alpha1/agent.proto

export const StreamKind = {
  STREAM_KIND_UNSPECIFIED: 'STREAM_KIND_UNSPECIFIED',
  STREAM_KIND_DEVICE: 'STREAM_KIND_DEVICE',
  STREAM_KIND_EXTERNALS: 'STREAM_KIND_EXTERNALS',
  STREAM_KIND_WORKLOAD: 'STREAM_KIND_WORKLOAD',
} as const;

export type StreamKind =
  | 'STREAM_KIND_UNSPECIFIED'
  | 0
  | 'STREAM_KIND_DEVICE'
  | 1
  | 'STREAM_KIND_EXTERNALS'
  | 2
  | 'STREAM_KIND_WORKLOAD'
  | 3

export type StreamKind__Output = typeof StreamKind[keyof typeof StreamKind]
