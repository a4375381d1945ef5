/** What a stable error code means and what a person does about it. */
export interface ErrorMeaning {
  /** One sentence: what happened. */
  readonly message: string;
  /** One sentence: what to do. */
  readonly remedy: string;
  /**
   * True: repeating cannot help, the migration ends with it (or never starts).
   * False: the operator goes on by itself within deadlines and `recovery.retries`; a migration still ends with this
   * code when it was the first error and these are used up.
   */
  readonly terminal: boolean;
}

function terminal(message: string, remedy: string): ErrorMeaning {
  return { message, remedy, terminal: true };
}

function passing(message: string, remedy: string): ErrorMeaning {
  return { message, remedy, terminal: false };
}

const NEW_OBJECT = 'then create a new DeviceMigration.';

/**
 * Every stable code: in `status.error.code`, as the reason of a failed condition, in gRPC error details and in the
 * exit message of the command line. Codes are never renamed or given another meaning.
 */
export const errors = {
  // The manifest.
  InvalidManifest: terminal(
    'The manifest does not follow the schema or one of its rules.',
    'Correct the field named in the message and apply it under a new name.',
  ),
  SameNode: terminal('Source and target are the same node.', 'Name another node in spec.target.nodeName.'),
  NoDevices: terminal(
    'The source lists no devices.',
    'List every device of the workload in spec.source.devices; ids are in the NodeDeviceInventory.',
  ),
  DuplicateDevice: terminal('A device is listed twice.', 'List each device once.'),
  InvalidQuantity: terminal(
    'A duration or byte quantity cannot be read or lies outside its bounds.',
    'Write durations such as 500ms or 1m30s and quantities such as 1250M, within the bounds given in the message.',
  ),
  PodNameUnsupported: terminal(
    'spec.source.podName is set, but finding the devices of a pod is not supported.',
    'Remove podName and list the devices of the pod in spec.source.devices.',
  ),
  UnknownField: terminal(
    'The manifest has a field that this version does not know.',
    'Remove or correct the field named in the message.',
  ),

  // Preflight.
  DeviceNotFound: terminal(
    'A named device is not in the inventory of its node.',
    'Compare the ids with `kubectl get ndi <node> -o yaml`.',
  ),
  DeviceBusy: terminal(
    'A device is bound to another migration.',
    `Wait until the migration named in the message has ended, ${NEW_OBJECT}`,
  ),
  DeviceNotMigratable: terminal(
    'A device offers neither the v1 migration region nor the v2 migration feature.',
    'Bind the device to a driver that supports migration, or leave the workload where it is.',
  ),
  DeviceNotRunning: terminal(
    'A device is not in the Running state before the migration.',
    `Reset the device or end what else drives it, ${NEW_OBJECT}`,
  ),
  NoPeerToPeerQuiesce: terminal(
    'A device of a set of several cannot be quiesced for peer-to-peer traffic (v1: no NDMA capability; v2: no P2P flag).',
    'Update its driver; without it a set of several devices cannot be stopped without losing traffic.',
  ),
  ResetUnsupported: terminal(
    'A device does not support VFIO_DEVICE_RESET, the only way out of the Error state.',
    'Use a device and driver that support reset.',
  ),
  ModelMismatch: terminal(
    'Source and target device differ in model, driver or firmware.',
    `Choose a target with equal devices, or bring both to equal versions, ${NEW_OBJECT}`,
  ),
  RegionSizeMismatch: terminal(
    'The migration region of the target is smaller than a segment of the source may be.',
    'Choose a target whose devices have migration regions of the same size.',
  ),
  ProtocolMismatch: terminal(
    'Source and target device speak different migration protocols.',
    'Bring the drivers of both nodes to the same migration protocol.',
  ),
  SetIncomplete: terminal(
    'The set leaves out devices of a workload of which it names others; a workload moves with all its devices or not at all.',
    'List every device of the workload in spec.source.devices, or choose a target workload of as many devices; the message names those that are missing.',
  ),
  OwnedByVmm: terminal(
    'A device is driven by a virtual machine monitor, which keeps its own copy of the state of the device.',
    'Move the virtual machine with the means of its monitor, or end it first.',
  ),
  PairingImpossible: terminal(
    'The target has no free matching device for every source device, or the explicit pairing does not fit.',
    'Free devices on the target, choose another target, or correct spec.target.devices to one target device for each source device.',
  ),
  NodeUnknown: terminal(
    'A node of the migration publishes no inventory.',
    'Check the node name and that the agent runs there.',
  ),

  // Reaching the devices.
  DeviceUnreachable: passing(
    'What offers a device does not answer: its vfio-user server, the broker, or the device itself, which may be unplugged.',
    'Check that the server or the broker of the node runs and that the device is there; it is opened again by itself.',
  ),
  DeviceHeld: passing(
    'A device is opened by a process that is not the broker, and the kernel gives it to one at a time.',
    'End the process that holds the device, or let the broker take the device from it; it is opened again by itself.',
  ),
  DeviceAbsent: passing(
    'The node has no device at the address that the broker was given.',
    'Plug the device in and bind it to its VFIO driver, or correct its address; it is opened again by itself.',
  ),
  IommuRefused: passing(
    'The IOMMU refused the device: the container or iommufd that it is to share could not be set.',
    'Check that the IOMMU is enabled and that every device of its group is bound to VFIO; the kernel log of the node tells more.',
  ),
  BrokerRefused: passing(
    'The broker does not serve this agent, or does not know the device.',
    'Give the broker the user id that the agent runs as, and the same device names as the devices file.',
  ),

  // Talking to the agents.
  AgentUnreachable: passing(
    'An agent did not answer in time.',
    'Check the agent pod, its certificate and the network to the node named in the message.',
  ),
  StaleFence: passing(
    'A command carried a lower fence than the agent has accepted; another operator owns the migration.',
    'Nothing: the owner goes on, the other one stops.',
  ),
  StaleSequence: passing(
    'A command was older than the last one accepted.',
    'Nothing: the operator observes and sends the command that fits.',
  ),
  FenceConflict: passing(
    'Two operators used the same fence; the later one was refused.',
    'Nothing: the refused operator raises the fence. If it repeats, look for operators without a common Lease.',
  ),
  Tombstone: terminal(
    'The agent has ended this migration for good and only repeats its answer.',
    'Create a new DeviceMigration for another attempt.',
  ),
  TicketInvalid: passing(
    'A pull carried a ticket that does not belong to the current saving session.',
    'Nothing: the operator hands out a new ticket.',
  ),
  IllegalPhase: passing(
    'A command does not fit the state of the session at the agent.',
    'Nothing: the operator observes the agent and sends the command that fits.',
  ),
  VersionSkew: terminal(
    'Operator and agent are more than one version of their contract apart, or one asked for what the other does not know yet.',
    `Upgrade the older one, which the message names; a migration that is under way then goes on; if it was refused, ${NEW_OBJECT}`,
  ),
  MessageUnreadable: passing(
    'A message lacks a part or has a value that its receiver does not know; the receiver did not act on it.',
    'Bring operator and agents to versions that are next to each other; if they are, report it with the logs of both sides.',
  ),

  // The set.
  QuiesceTimeout: passing(
    'A device did not quiesce within strategy.quiesceTimeout; the workload was thawed first.',
    'Raise strategy.quiesceTimeout, set strategy.onDeadline to Wait, or move the workload when it is less busy.',
  ),
  PreCopyTimeout: passing(
    'Pre-copy did not converge within strategy.preCopyTimeout.',
    'Raise strategy.preCopyTimeout or bandwidthLimit, or use mode StopCopy and accept a longer downtime.',
  ),
  ArcFailed: passing(
    'A device refused a state transition and kept its state.',
    'Read the errno in the message and the kernel log of the node.',
  ),
  DeviceError: passing(
    'A device entered the Error state; only a reset leaves it.',
    'Read the kernel log of the node named in the message.',
  ),
  DeviceStateLost: terminal(
    'A device was reset or reopened while it held the state of the workload; that state is gone.',
    'Restart the workload from its own checkpoint; then release the device with `transship recover`.',
  ),
  DeviceStuck: passing(
    'A device call outlived its deadline and has not returned.',
    'Wait for it; if it never returns, reboot the node named in the message.',
  ),
  ResetFailed: terminal(
    'A device could not be reset and is held in quarantine.',
    'Reset it by other means or reboot its node, then end the quarantine with `transship recover`.',
  ),
  StateUnexplained: terminal(
    'A device was found in a state that no journal of its agent explains; it may hold the only copy of a state, so it is held in quarantine.',
    'Find out whose state it holds; when nobody needs it, reset the device with `transship recover`.',
  ),
  JournalRefused: terminal(
    'The journal file of a migration cannot be read, so every device that it may be about is held in quarantine.',
    'Look at the file named in the message and at the other node of the migration; when nobody needs what a device holds, reset it with `transship recover`.',
  ),
  QuarantineUnreadable: terminal(
    'The list of devices in quarantine of an agent cannot be read, so every device of its node is held in quarantine.',
    'Look at the file named in the message; reset each device that nobody needs as it is with `transship recover`.',
  ),
  NotQuarantined: terminal(
    'A device that is to be recovered is not in quarantine, or it is held for another migration than was named.',
    'Compare the device and the migration with `kubectl get ndi <node> -o yaml`.',
  ),

  // The streams.
  StreamCorrupt: passing(
    'A checksum of a stream does not match.',
    'If it repeats, check memory and network of both nodes.',
  ),
  StreamTruncated: passing(
    'A stream ended before the end its source declared.',
    'If it repeats, check the source agent and the network.',
  ),
  StreamOutOfOrder: passing(
    'A stream continued at another place than the next unwritten byte.',
    'If it repeats, report it with the logs of both agents.',
  ),
  StreamTooLarge: terminal(
    'A segment or stream is larger than the target accepts.',
    'Choose a target with equal devices; check that both agents have the same version.',
  ),
  LoadRejected: passing(
    'A target device refused the state it was given.',
    'Check that firmware and driver are equal on both sides; the kernel log of the target tells more.',
  ),

  // The workload.
  FreezeFailed: passing(
    'The workload could not be frozen.',
    'Check the workload control named in the message.',
  ),
  ThawFailed: passing(
    'The workload could not be thawed; it is retried until it works.',
    'Check the workload control named in the message.',
  ),
  WorkloadFailed: terminal(
    'The workload ended or reported an error of its own during the migration.',
    'Read the logs of the workload, then restart it.',
  ),

  // Losing a part.
  TargetLost: terminal(
    'The target was lost after its activation had been ordered; the source is kept stopped in quarantine.',
    'Prove that the target is dead and run `transship recover --source`, or give the state up with `transship recover --discard`.',
  ),
  OperatorLost: terminal(
    'The source agent lost its operator before the stop and rolled back alone.',
    `Check the operator; the source runs, ${NEW_OBJECT}`,
  ),
  AgentRestarted: passing(
    'An agent restarted during the migration.',
    'If it repeats, read why the agent ended.',
  ),
  Cancelled: terminal('The object was deleted before the decision; the source runs.', 'Nothing.'),
  RecordRegressed: terminal(
    'The recorded decision, fence or stop is behind what was recorded before, as after restoring an old etcd backup.',
    'Compare the record with the journals of both agents, then decide by hand with `transship recover`.',
  ),
  RecordMissing: terminal(
    'The DeviceMigration is gone or has another UID while the agents still hold a stopped set for it.',
    'End the quarantine on the right side with `transship recover`.',
  ),

  // Everything else.
  DeadlineExceeded: passing(
    'A step did not finish within its deadline.',
    'Read the message for the step; raise its timeout if it is known to need longer.',
  ),
  Internal: passing(
    'Something happened that the program did not expect.',
    'Report it with the logs of the operator and both agents.',
  ),
} as const satisfies Record<string, ErrorMeaning>;

export type ErrorCode = keyof typeof errors;

export const ERROR_CODES = Object.keys(errors) as readonly ErrorCode[];

/** Narrows a word from outside (a newer agent may know more codes). */
export function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(errors, code);
}
