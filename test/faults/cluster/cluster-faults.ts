/** The faults that strike a cluster, of which a folder of manifests has nothing. */
export const CLUSTER_FAULTS = ['api-killed', 'etcd-killed', 'api-stalled', 'lease-deleted'] as const;

export type ClusterFault = (typeof CLUSTER_FAULTS)[number];

export const isClusterFault = (fault: string): fault is ClusterFault =>
  (CLUSTER_FAULTS as readonly string[]).includes(fault);
