import { type DeviceMigrationSpec, INCOMING_LABEL } from '@transship/crds';
import type { Failure } from '@transship/node-agent/contract';
import { failure } from '../core/index.ts';
import { ownerVerdict } from './owner.ts';
import { isTerminating, type Pod } from './pod.ts';

/** Why the devices of this pod cannot move with it; null: they can, as far as the pod itself tells. */
export function refusedSource(found: Pod | null, { source }: DeviceMigrationSpec): Failure | null {
  const name = source.podName ?? '';
  const missing = (why: string): Failure => failure('PodNotFound', `pod ${name} ${why}`);
  if (found === null) return missing('does not exist');
  const { metadata, spec, status } = found;
  if (source.podUID !== undefined && source.podUID !== metadata.uid)
    return missing(`has the UID ${metadata.uid}, not ${source.podUID}`);
  if (spec.nodeName !== source.nodeName)
    return missing(`is on ${spec.nodeName ?? 'no node'}, not on ${source.nodeName}`);
  if (isTerminating(found)) return missing('is being deleted');
  if (status?.phase === 'Succeeded' || status?.phase === 'Failed')
    return missing(`has ended (${status.phase})`);
  if (metadata.labels?.[INCOMING_LABEL] !== undefined)
    return missing('waits itself for devices that another migration brings');
  const claim = spec.resourceClaims?.find(({ resourceClaimName }) => resourceClaimName !== undefined);
  if (claim !== undefined) {
    const message = `pod ${name} uses the ResourceClaim ${claim.resourceClaimName}, which is bound to its node; use a ResourceClaimTemplate`;
    return failure('TargetUnschedulable', message);
  }
  const verdict = ownerVerdict(found);
  return verdict.ok ? null : verdict.failure;
}
