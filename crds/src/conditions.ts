import { z } from 'zod';

/** Upper bound of metav1.Condition.message. */
export const CONDITION_MESSAGE_MAX = 32_768;

/** Counters in status: non-negative and exactly representable on both sides. */
export const counter = z.int().min(0).max(Number.MAX_SAFE_INTEGER);

/** RFC 3339 instant as Kubernetes writes it. */
export const timestamp = z.iso.datetime({ offset: true });

/** metav1.Condition with its published bounds. */
export const condition = z.object({
  type: z
    .string()
    .max(316)
    .regex(/^([A-Za-z0-9][-A-Za-z0-9_.]{0,252}\/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/),
  status: z.enum(['True', 'False', 'Unknown']),
  observedGeneration: counter.optional(),
  lastTransitionTime: timestamp,
  reason: z
    .string()
    .min(1)
    .max(256)
    .regex(/^[A-Za-z]([A-Za-z0-9_,:]{0,254}[A-Za-z0-9_])?$/),
  message: z.string().max(CONDITION_MESSAGE_MAX),
});

export type Condition = z.infer<typeof condition>;

export interface ConditionMeaning {
  /** `positive`: True is good. `negative`: True is bad or unfinished, and the condition is absent otherwise. */
  readonly polarity: 'positive' | 'negative';
  /** When the condition is in the list, and what its values say. */
  readonly present: string;
  /** What a person does about the value that needs one. */
  readonly remedy: string;
}

/** Condition types of a DeviceMigration, by the rules of kstatus. */
export const conditionTypes = {
  Ready: {
    polarity: 'positive',
    present:
      'Always. Unknown until an operator has seen the object, False while it runs and when it ended otherwise, True only when it Succeeded.',
    remedy: 'While False, read the reason; Reconciling and Stalled say whether to wait or to act.',
  },
  Reconciling: {
    polarity: 'negative',
    present: 'Only as True, while an operator is moving the set or bringing it back.',
    remedy: 'Wait. The message names the step; `status.progress` and `status.transfer` move.',
  },
  Stalled: {
    polarity: 'negative',
    present:
      'Only as True, when the operator will not go on by itself: the migration failed, was rejected, or waits for a person.',
    remedy: 'Look the reason up in the error codes and do what its remedy says.',
  },
  DeviceLost: {
    polarity: 'negative',
    present:
      'Only as True, when a device lost its state or is held in quarantine; the message names each device and node.',
    remedy:
      'Nothing hands such a device out. Look the reason up in the error codes; `transship recover --device ID --node NODE` ends the quarantine.',
  },
  TargetReplaced: {
    polarity: 'negative',
    present:
      'Only as True, once the set goes to a node of `spec.recovery.fallbackNodeNames`; the message says which targets were left and why.',
    remedy:
      'Nothing to make it go on. See after the nodes that were left: it ends when each has answered and was reset, is tainted as out of service, or was asked for 5 minutes (TargetNotFreed).',
  },
  SourceNotReleased: {
    polarity: 'negative',
    present:
      'Only as True, on a migration that has succeeded without its source: the node was out of service or declared dead. Removed once its agent answers and holds nothing of it any more.',
    remedy:
      'Nothing while the node is away. The source stays stopped; when its agent answers, the operator has its workload ended and its devices reset.',
  },
  TargetNotFreed: {
    polarity: 'negative',
    present:
      'Only as True, on a migration that has ended although a target that was left before could not be reset; the message names its node. Removed once its agent answers and holds nothing of it any more.',
    remedy:
      'See after the node. It was never told to run and holds its devices until the operator, which goes on asking, has it reset.',
  },
  TargetPod: {
    polarity: 'positive',
    present:
      'Only when `spec.source.podName` is given, from when a target pod is asked for: False until it stands where the source pod stood, then True; the message says what is waited for.',
    remedy: 'While False for long, read its message and look at the events of the target pod.',
  },
  Recovered: {
    polarity: 'positive',
    present:
      'Only when a person has ended the migration with `transship recover`: False while that is under way, then True. What failed stays Failed.',
    remedy: 'While False and nobody works on it, run the same command again.',
  },
} as const satisfies Record<string, ConditionMeaning>;

export type ConditionType = keyof typeof conditionTypes;

export interface ReasonMeaning {
  /** Condition types that carry it. */
  readonly types: readonly ConditionType[];
  /** What has happened. */
  readonly meaning: string;
  /** What a person does. */
  readonly remedy: string;
}

const WAIT = 'Nothing; wait.';

/**
 * Reasons that are no errors. While the set moves, the reason is its phase; when something went wrong, the reason of
 * Ready, Stalled and DeviceLost is the error code (see `errors`). Reconciling carries one while it waits for a device that
 * is stuck: DeviceStuck.
 */
export const reasons = {
  Pending: {
    types: ['Ready'],
    meaning: 'No operator has taken the migration up yet.',
    remedy: 'Check that the operator runs and holds its Lease.',
  },
  Preparing: {
    types: ['Ready', 'Reconciling'],
    meaning: 'Both sides are checked and the target is reserved.',
    remedy: WAIT,
  },
  PreCopy: {
    types: ['Ready', 'Reconciling'],
    meaning: 'State is copied while the source runs.',
    remedy: WAIT,
  },
  Quiescing: {
    types: ['Ready', 'Reconciling'],
    meaning: 'The workload is frozen and the devices finish their peer-to-peer traffic.',
    remedy: WAIT,
  },
  StopCopy: {
    types: ['Ready', 'Reconciling'],
    meaning: 'The source is stopped and the rest of its state is copied.',
    remedy: WAIT,
  },
  Verifying: {
    types: ['Ready', 'Reconciling'],
    meaning: 'The target checks what it received.',
    remedy: WAIT,
  },
  Activating: {
    types: ['Ready', 'Reconciling'],
    meaning: 'Commit is recorded and the target is being started.',
    remedy: WAIT,
  },
  Releasing: {
    types: ['Ready', 'Reconciling'],
    meaning: 'The target runs and the source is being freed.',
    remedy: WAIT,
  },
  RollingBack: {
    types: ['Ready', 'Reconciling'],
    meaning: 'The source is being started again and the target reset.',
    remedy: WAIT,
  },
  Retrying: {
    types: ['Reconciling'],
    meaning: 'The transfer failed and starts anew with the next generation; the message tells why.',
    remedy: WAIT,
  },
  FallbackNode: {
    types: ['TargetReplaced'],
    meaning: 'The target before could not take the set, and the next node of the list takes it.',
    remedy: WAIT,
  },
  OutOfService: {
    types: ['SourceNotReleased'],
    meaning: 'The node is marked as shut down (taint `node.kubernetes.io/out-of-service`).',
    remedy: 'Nothing; take the taint away when the node is back.',
  },
  DeclaredDead: {
    types: ['SourceNotReleased'],
    meaning: 'A person has said that the node is gone for good, and how that is known (`status.sourceDead`).',
    remedy: 'Nothing.',
  },
  NoAnswer: {
    types: ['TargetNotFreed'],
    meaning: 'The agent did not answer, or did not obey, for 5 minutes.',
    remedy: 'Check the agent and the network of the node named in the message.',
  },
  WaitingForNode: {
    types: ['TargetPod'],
    meaning: 'The scheduler has not found a node for the target pod.',
    remedy: 'Free devices on another node; after 5 minutes the migration is rejected.',
  },
  WaitingForDevices: {
    types: ['TargetPod'],
    meaning: 'The target pod has a node, and the kubelet there has not given it its devices.',
    remedy: 'Look at the events of the target pod; after 15 minutes the migration is rejected.',
  },
  Reserved: {
    types: ['TargetPod'],
    meaning: 'The target pod holds the devices that the set goes to.',
    remedy: WAIT,
  },
  HandingOver: {
    types: ['TargetPod'],
    meaning: 'The set runs at the target, whose pod takes the place of the source pod.',
    remedy: WAIT,
  },
  HandedOver: {
    types: ['TargetPod'],
    meaning: 'The target pod stands where the source pod stood, and that one is deleted.',
    remedy: 'Nothing.',
  },
  Deleted: {
    types: ['TargetPod'],
    meaning: 'The set stayed at the source, and the target pod is deleted.',
    remedy: 'Nothing.',
  },
  WaitingForAgent: {
    types: ['Reconciling'],
    meaning: 'An agent does not answer and the step cannot go on without it.',
    remedy:
      'Check the agent pod and the network of the node named in the message; once Commit is recorded the message says what to do when the node is gone for good.',
  },
  Succeeded: {
    types: ['Ready'],
    meaning: 'The set runs on the target and the source is free.',
    remedy: 'Nothing.',
  },
  Recovering: {
    types: ['Recovered'],
    meaning: 'A recovery by hand has begun.',
    remedy: 'When its program has ended, run the same command again.',
  },
  BackAtSource: {
    types: ['Recovered'],
    meaning: 'The set runs on the source again, by hand.',
    remedy: 'Nothing.',
  },
  GivenUp: {
    types: ['Recovered'],
    meaning: 'The state of the set was given up by hand, and its devices are free.',
    remedy: 'Start the workload anew, from its own checkpoint.',
  },
  RunsAtTarget: {
    types: ['Recovered'],
    meaning: 'The set runs on the target; what was left of it at the source was freed by hand.',
    remedy: 'Nothing.',
  },
} as const satisfies Record<string, ReasonMeaning>;

export type Reason = keyof typeof reasons;

/** Cuts text to what the API server accepts, so that a long cause cannot make a status update fail. */
export function clipMessage(text: string, limit: number = CONDITION_MESSAGE_MAX): string {
  return text.length <= limit ? text : `${text.slice(0, limit - 3)}...`;
}
