import type { PodSpec } from './pod.ts';
import type { TargetWish } from './target-pod.ts';

/**
 * Keeps a pod off the source node and brings it to the node that is asked for, if one is. Terms of an affinity are
 * alternatives, so each of them says it. What the pod itself asks for goes before what the migration does.
 */
export function placed(spec: PodSpec, { sourceNode, nodeName, nodeSelector }: TargetWish): PodSpec {
  const { affinity = {}, ...rest } = spec;
  const { nodeAffinity = {} } = affinity;
  const { requiredDuringSchedulingIgnoredDuringExecution: required } = nodeAffinity;
  const field =
    nodeName === undefined
      ? { key: 'metadata.name', operator: 'NotIn', values: [sourceNode] }
      : { key: 'metadata.name', operator: 'In', values: [nodeName] };
  const terms = required?.nodeSelectorTerms ?? [];
  const nodeSelectorTerms = (terms.length === 0 ? [{}] : terms).map((term) => ({
    ...term,
    matchFields: [...(term.matchFields ?? []), field],
  }));
  const selected = { ...nodeSelector, ...spec.nodeSelector };
  return {
    ...rest,
    ...(Object.keys(selected).length === 0 ? {} : { nodeSelector: selected }),
    affinity: {
      ...affinity,
      nodeAffinity: {
        ...nodeAffinity,
        requiredDuringSchedulingIgnoredDuringExecution: { ...required, nodeSelectorTerms },
      },
    },
  };
}
