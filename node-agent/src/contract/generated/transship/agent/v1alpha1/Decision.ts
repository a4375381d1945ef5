// Original file: proto/transship/agent/v1alpha1/agent.proto

export const Decision = {
  DECISION_UNSPECIFIED: 'DECISION_UNSPECIFIED',
  DECISION_UNDECIDED: 'DECISION_UNDECIDED',
  DECISION_COMMIT: 'DECISION_COMMIT',
  DECISION_ABORT: 'DECISION_ABORT',
  DECISION_REVERT: 'DECISION_REVERT',
} as const;

export type Decision =
  | 'DECISION_UNSPECIFIED'
  | 0
  | 'DECISION_UNDECIDED'
  | 1
  | 'DECISION_COMMIT'
  | 2
  | 'DECISION_ABORT'
  | 3
  | 'DECISION_REVERT'
  | 4

export type Decision__Output = typeof Decision[keyof typeof Decision]
