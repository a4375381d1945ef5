/** Names that Transship reads and writes on objects of Kubernetes, beside the kinds of its own API (see group.ts). */

/** Label of a pod, or of its namespace: `true` makes an eviction of the pod move its devices first; `false` on the pod wins. */
export const MIGRATE_ON_DRAIN_LABEL = 'transship.dev/migrate-on-drain';

/** Label of a pod, or of its namespace: what an eviction does with a pod that cannot move; one of EVICTION_POLICIES. */
export const EVICTION_POLICY_LABEL = 'transship.dev/eviction-policy';

/**
 * Required: the eviction is refused for as long as the pod cannot move. BestEffort: it is let through when the migration was
 * rejected before anything was touched. Off: evictions of the pod are nothing to Transship.
 */
export const EVICTION_POLICIES = ['Required', 'BestEffort', 'Off'] as const;

export type EvictionPolicy = (typeof EVICTION_POLICIES)[number];

/** Label of a DeviceMigration: the UID of the pod whose eviction asked for it. */
export const POD_UID_LABEL = 'transship.dev/pod-uid';

/** Label of a target pod: the UID of the DeviceMigration that made it. */
export const MIGRATION_UID_LABEL = 'transship.dev/migration-uid';

/** Label of a target pod: `true` while its devices wait for the state of the source. */
export const INCOMING_LABEL = 'transship.dev/incoming';

/** Annotation of a target pod, under the same name as the label: what a container reads through the downward API. */
export const INCOMING_ANNOTATION = 'transship.dev/incoming';

/** Environment variable of every container of a target pod: `1` tells the workload to wait instead of beginning anew. */
export const INCOMING_ENV = 'TRANSSHIP_INCOMING';

/** Label of a pod and selector of the PodDisruptionBudget that guards it alone; its value is the UID of the pod. */
export const BUDGET_LABEL = 'transship.dev/budget';

/** Annotation of a DeviceMigration: what asked for it, as EVICTION_TRIGGER. */
export const TRIGGER_ANNOTATION = 'transship.dev/trigger';

/** Value of TRIGGER_ANNOTATION: an eviction did, so that an uncordon before the decision takes it back. */
export const EVICTION_TRIGGER = 'eviction';

/** Annotation of a DeviceMigration: `true` once the source node was seen unschedulable, so that an uncordon can be told. */
export const NODE_WAS_CORDONED_ANNOTATION = 'transship.dev/node-was-cordoned';

/** Annotation of a target pod: JSON of what of the source pod (labels, owners) it is given only at the hand-over. */
export const HELD_ANNOTATION = 'transship.dev/held';

/**
 * Annotation of a target pod: how far its hand-over is. Only the operator writes it: the admission policy for target pods lets
 * their owners change only together with it, so that no controller adopts one before its time.
 */
export const HAND_OVER_ANNOTATION = 'transship.dev/hand-over';

/** Finalizer on a DeviceMigration: from before its target pod is made until that is handed over or deleted. */
export const PODS_FINALIZER = 'transship.dev/pods';

/** Field manager of the server-side apply that makes a DeviceMigration out of an eviction. */
export const EVICTION_FIELD_MANAGER = 'transship-eviction';

/** Name of a DeviceMigration made out of an eviction: this, the UID of the pod, and from the second attempt on `-<n>`. */
export const EVACUATION_PREFIX = 'evac-';

/** Annotation of Kubernetes on a pod: a ReplicaSet deletes pods of a lower cost first. */
export const POD_DELETION_COST_ANNOTATION = 'controller.kubernetes.io/pod-deletion-cost';
