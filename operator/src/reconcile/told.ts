import type { Condition, ConditionType, DeviceMigrationStatus, Reason } from '@transship/crds';

/** A condition before it is written: when it came about, and of which generation, is added to it. */
export type Told = Pick<Condition, 'status' | 'message'> & {
  readonly type: ConditionType;
  readonly reason: Reason;
};

/** Lays conditions over those of a status: one of a type. `now`: RFC 3339. */
export function withTold(
  conditions: readonly Condition[],
  told: readonly Told[],
  before: Pick<DeviceMigrationStatus, 'conditions'>,
  { generation, now }: { readonly generation: number; readonly now: string },
): Condition[] {
  const types = new Set<string>(told.map(({ type }) => type));
  const added = told.map((condition) => {
    const old = before.conditions.find(({ type }) => type === condition.type);
    const lastTransitionTime = old?.status === condition.status ? old.lastTransitionTime : now;
    return { ...condition, observedGeneration: generation, lastTransitionTime };
  });
  return [...conditions.filter(({ type }) => !types.has(type)), ...added];
}
