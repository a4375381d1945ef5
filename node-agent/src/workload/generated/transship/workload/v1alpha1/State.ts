// Original file: proto/transship/workload/v1alpha1/hook.proto

export const State = {
  STATE_UNSPECIFIED: 'STATE_UNSPECIFIED',
  STATE_RUNNING: 'STATE_RUNNING',
  STATE_FROZEN: 'STATE_FROZEN',
  STATE_INCOMING: 'STATE_INCOMING',
  STATE_ENDED: 'STATE_ENDED',
} as const;

export type State =
  | 'STATE_UNSPECIFIED'
  | 0
  | 'STATE_RUNNING'
  | 1
  | 'STATE_FROZEN'
  | 2
  | 'STATE_INCOMING'
  | 3
  | 'STATE_ENDED'
  | 4

export type State__Output = typeof State[keyof typeof State]
