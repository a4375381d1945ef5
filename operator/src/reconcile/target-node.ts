import type { DeviceMigrationSpec, DeviceMigrationStatus } from '@transship/crds';

type Status = Pick<DeviceMigrationStatus, 'target' | 'targetPod'>;

/**
 * The node that takes the set: the one on record, which is that of the spec until it was left for another; or where the
 * target pod went. Empty, which is no node, before the scheduler has placed that.
 */
export const targetNodeOf = (spec: DeviceMigrationSpec, { target, targetPod }: Status): string =>
  target?.nodeName ?? spec.target.nodeName ?? targetPod?.nodeName ?? '';

/** The node to go to when that one cannot take the set: the next of the spec's list; null: none is left. */
export function nextTargetOf(spec: DeviceMigrationSpec, { target }: Status): string | null {
  const tried = [target?.nodeName, ...leftTargetsOf({ target })];
  return spec.recovery.fallbackNodeNames?.find((name) => !tried.includes(name)) ?? null;
}

/** Nodes that were the target before, in the order in which they were left. */
export const leftTargetsOf = ({ target }: Status): readonly string[] =>
  target?.abandoned.map(({ nodeName }) => nodeName) ?? [];
