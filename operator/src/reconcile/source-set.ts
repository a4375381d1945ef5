import type { DeviceDescription, Failure, PodReference, PodResources } from '@transship/node-agent/contract';
import { failure } from '../core/index.ts';
import type { StoredMigration } from './ports.ts';

/** What the agent of a node tells of its devices. */
export interface ToldDevices {
  readonly devices: readonly DeviceDescription[];
  readonly podResources?: PodResources | null;
}

export type SourceSet =
  | { readonly ok: true; readonly ids: readonly string[] }
  /** `isFinal`: asking again would not help. */
  | { readonly ok: false; readonly failure: Failure; readonly isFinal: boolean };

export const isHeldBy =
  ({ namespace, name }: PodReference) =>
  ({ pod }: { readonly pod?: PodReference | null }): boolean =>
    pod?.namespace === namespace && pod.name === name;

/** Why the devices of a pod are not all known to the agent of its node; null: they are. */
export function unknownOf(pod: PodReference, told: PodResources | null | undefined): Failure | null {
  const one = told?.unknownDevices.find(isHeldBy(pod));
  if (one === undefined) return null;
  const message = `pod ${pod.name} has ${one.resource} ${one.device}, which cannot be moved: ${one.reason}`;
  return failure('SetIncomplete', message);
}

/**
 * The devices that move: those that the manifest lists, or all that the source pod holds. In the order on record where there
 * is one, else by id, so that every process finds the same.
 */
export function sourceSet({ key, spec, status }: StoredMigration, told: ToldDevices): SourceSet {
  const { devices, podName } = spec.ok ? spec.value.source : {};
  if (podName === undefined) return { ok: true, ids: devices ?? [] };
  if (status.devices !== undefined) return { ok: true, ids: status.devices.map(({ source }) => source) };
  const pod = { namespace: key.namespace, name: podName };
  if (told.podResources?.known !== true) {
    const why = told.podResources?.message ?? 'it was not told to ask the kubelet (--pod-resources)';
    const message = `the agent of the source node does not know the devices of pods: ${why}`;
    return { ok: false, failure: failure('NodeUnknown', message), isFinal: false };
  }
  const unknown = unknownOf(pod, told.podResources);
  if (unknown !== null) return { ok: false, failure: unknown, isFinal: true };
  const held = told.devices.filter(isHeldBy(pod)).map(({ id }) => id);
  if (held.length > 0) {
    return { ok: true, ids: held.toSorted((a, b) => a.localeCompare(b, 'en', { numeric: true })) };
  }
  // The agent asks the kubelet every few seconds, so it may not have heard of a pod that has just begun.
  const why = `pod ${podName} holds no device that can be moved`;
  return { ok: false, failure: failure('NoDevices', why), isFinal: false };
}
