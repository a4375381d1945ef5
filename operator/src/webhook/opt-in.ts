import {
  EVICTION_POLICIES,
  EVICTION_POLICY_LABEL,
  type EvictionPolicy,
  MIGRATE_ON_DRAIN_LABEL,
} from '@transship/crds';

type Labels = Readonly<Record<string, string>>;

/** The pod's own labels do not tell everything, so those of its namespace count too. */
export function asksNamespace(podLabels: Labels): boolean {
  const wish = podLabels[MIGRATE_ON_DRAIN_LABEL];
  if (wish === 'false') return false;
  return wish !== 'true' || podLabels[EVICTION_POLICY_LABEL] === undefined;
}

/**
 * What an eviction of the pod means; `Off` for one that did not opt in. A policy that is none of the three loses no pod: it
 * counts as Required.
 */
export function policyOf(podLabels: Labels, namespaceLabels: Labels): EvictionPolicy {
  const own = podLabels[MIGRATE_ON_DRAIN_LABEL];
  const wish = own === 'true' || own === 'false' ? own : namespaceLabels[MIGRATE_ON_DRAIN_LABEL];
  if (wish !== 'true') return 'Off';
  const word = podLabels[EVICTION_POLICY_LABEL] ?? namespaceLabels[EVICTION_POLICY_LABEL];
  return EVICTION_POLICIES.find((policy) => policy === word) ?? 'Required';
}
