// Original file: proto/transship/workload/v1alpha1/hook.proto

export const SavePass = {
  SAVE_PASS_UNSPECIFIED: 'SAVE_PASS_UNSPECIFIED',
  SAVE_PASS_LIVE: 'SAVE_PASS_LIVE',
  SAVE_PASS_FINAL: 'SAVE_PASS_FINAL',
} as const;

export type SavePass =
  | 'SAVE_PASS_UNSPECIFIED'
  | 0
  | 'SAVE_PASS_LIVE'
  | 1
  | 'SAVE_PASS_FINAL'
  | 2

export type SavePass__Output = typeof SavePass[keyof typeof SavePass]
