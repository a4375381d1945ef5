// Original file: proto/transship/agent/v1alpha1/agent.proto

export const Role = {
  ROLE_UNSPECIFIED: 'ROLE_UNSPECIFIED',
  ROLE_SOURCE: 'ROLE_SOURCE',
  ROLE_TARGET: 'ROLE_TARGET',
} as const;

export type Role =
  | 'ROLE_UNSPECIFIED'
  | 0
  | 'ROLE_SOURCE'
  | 1
  | 'ROLE_TARGET'
  | 2

export type Role__Output = typeof Role[keyof typeof Role]
