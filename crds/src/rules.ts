/**
 * The rules that span several fields, as sentences. They stand in the CRDs as the message of a CEL rule and here for
 * the zod side, so that a manifest gets the same answer from the API server and from a folder.
 */
export const rules = {
  specImmutable: 'spec is immutable; create another DeviceMigration for another attempt',
  targetRequired: 'target.nodeName may be left out only where source.podName is given',
  nodeSelectorNeedsPod:
    'target.nodeSelector chooses where a target pod goes; it goes with source.podName only',
  fallbackNeedsDevices:
    'recovery.fallbackNodeNames goes with source.devices only; a target pod goes where the scheduler says',
  nodesDiffer: 'source.nodeName and target.nodeName must differ',
  fallbackNodesDiffer: 'recovery.fallbackNodeNames must name neither the source nor the target node',
  devicesRequired:
    'list the devices of the workload in devices, or name the pod that has them in podName; exactly one of them',
  podUidNeedsPod: 'podUID says which pod of the name podName is meant; it goes with podName only',
  devicesOnNode: 'every device id must begin with nodeName and a slash',
  pairingLength: 'target.devices must name one target device for each of source.devices, in the same order',
  downtimeLimitBounds: 'downtimeLimit must be at least 1ms and at most 1h',
  quiesceTimeoutBounds: 'quiesceTimeout must be at least 10ms and at most 10m',
  preCopyTimeoutBounds: 'preCopyTimeout must be at least 10ms and at most 24h',
  bandwidthLimitBounds: 'bandwidthLimit must be at least 64Ki and at most 10T bytes per second',
  fenceRises: 'fence never decreases',
  decisionOnce:
    'decision is written once: Undecided to Commit or Abort, Commit to Revert, and then never again',
  targetWithFence: 'target changes only with the fence, and only before the decision',
  stoppingOnce: 'stopping is recorded once and never changed or removed',
  sourceDeadOnce: 'sourceDead is recorded once, while the decision is Commit, and never changed or removed',
  podsOnce: 'sourcePod and targetPod are recorded once and never changed or removed',
  inventoryOwnNode: 'every device id must begin with the name of this node and a slash',
} as const;
