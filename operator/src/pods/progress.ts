import type { Failure } from '@transship/node-agent/contract';
import { failure } from '../core/index.ts';
import { isHeldBy, type ToldDevices, unknownOf } from '../reconcile/source-set.ts';
import { isTerminating, type Pod } from './pod.ts';

/** As KubeVirt gives its target pods. From when the pod was made, as the API server's clock has it; milliseconds. */
const UNSCHEDULED_LIMIT_MS = 5 * 60_000;
const PENDING_LIMIT_MS = 15 * 60_000;

/** How far a target pod is. */
export type Progress =
  | { readonly kind: 'ready'; readonly nodeName: string }
  | { readonly kind: 'wait'; readonly reason: 'WaitingForNode' | 'WaitingForDevices'; readonly on: string }
  | { readonly kind: 'refused'; readonly failure: Failure };

/** `told`: what the agent of its node says; null: no answer, for the reason `silence`. */
export function progressOf(target: Pod, told: ToldDevices | null, silence: string, now: Date): Progress {
  const { metadata, spec, status } = target;
  const { name } = metadata;
  if (isTerminating(target)) return refused('TargetPodLost', `target pod ${name} is being deleted`);
  if (status?.phase === 'Failed' || status?.phase === 'Succeeded')
    return refused('TargetPodLost', `target pod ${name} has ended (${status.phase})`);
  const ageMs = now.getTime() - Date.parse(metadata.creationTimestamp);
  if (spec.nodeName === undefined) {
    const scheduled = status?.conditions?.find(({ type }) => type === 'PodScheduled');
    const why = scheduled?.message === undefined ? '' : `: ${scheduled.message}`;
    const on = `a node for target pod ${name}${why}`;
    if (ageMs < UNSCHEDULED_LIMIT_MS) return { kind: 'wait', reason: 'WaitingForNode', on };
    return refused('TargetUnschedulable', `no node was found for target pod ${name} within 5 minutes${why}`);
  }
  const problem = unknownOf(metadata, told?.podResources);
  if (problem !== null) return { kind: 'refused', failure: problem };
  if (told?.devices.some(isHeldBy(metadata)) === true) return { kind: 'ready', nodeName: spec.nodeName };
  const why = silence !== '' ? silence : (told?.podResources?.message ?? '');
  const suffix = why === '' ? '' : `: ${why}`;
  const on = `the devices of target pod ${name} on ${spec.nodeName}${suffix}`;
  if (ageMs < PENDING_LIMIT_MS) return { kind: 'wait', reason: 'WaitingForDevices', on };
  const message = `target pod ${name} was not given its devices on ${spec.nodeName} within 15 minutes${suffix}`;
  return refused('TargetUnschedulable', message);
}

const refused = (code: 'TargetPodLost' | 'TargetUnschedulable', message: string): Progress => ({
  kind: 'refused',
  failure: failure(code, message),
});
