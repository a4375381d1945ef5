/** What a stable error code means and what a person does about it. */
export interface ErrorMeaning {
  /** One sentence: what happened. */
  readonly message: string;
  /** What Transship did about it by itself, and goes on doing. */
  readonly response: string;
  /** One sentence: what to do. */
  readonly remedy: string;
  /**
   * True: repeating cannot help, the migration ends with it (or never starts).
   * False: the operator goes on by itself within deadlines and `recovery.retries`; a migration still ends with this
   * code when it was the first error and these are used up.
   */
  readonly terminal: boolean;
}

function terminal(message: string, response: string, remedy: string): ErrorMeaning {
  return { message, response, remedy, terminal: true };
}

function passing(message: string, response: string, remedy: string): ErrorMeaning {
  return { message, response, remedy, terminal: false };
}

const NEW_OBJECT = 'then create a new DeviceMigration.';

const WITHOUT_AGENTS = 'Ended the migration as Rejected before any agent was asked.';
const REFUSED =
  'Refused the set before a device was stopped or reset, and the workload ran on: Rejected, or Failed when the agent of the target was the one that refused.';
const OPENED_LATER =
  'Preflight rejects the migration at once, before anything is touched; a device that is lost like this while one is under way is treated as for DeviceUnreachable. The agent tries to open it again whenever it is looked at.';
const ENDS_GENERATION =
  'Gave the target nothing more of any stream. Another generation is begun from the source, on a target that was RESET, while recovery.retries remain, else Abort is recorded and the source runs.';

/**
 * Every stable code: in `status.error.code`, as the reason of a failed condition, in gRPC error details and in the
 * exit message of the command line. Codes are never renamed or given another meaning.
 */
export const errors = {
  // The manifest.
  InvalidManifest: terminal(
    'The manifest does not follow the schema or one of its rules.',
    'Ended the migration as Rejected before any agent was asked. One that was under way when another version wrote or read its manifest stands still instead, and nothing is ordered.',
    'Correct the field named in the message and apply it under a new name.',
  ),
  SameNode: terminal(
    'Source and target are the same node.',
    WITHOUT_AGENTS,
    'Name another node in spec.target.nodeName.',
  ),
  NoDevices: terminal(
    'The source lists no devices.',
    WITHOUT_AGENTS,
    'List every device of the workload in spec.source.devices; ids are in the NodeDeviceInventory.',
  ),
  DuplicateDevice: terminal('A device is listed twice.', WITHOUT_AGENTS, 'List each device once.'),
  InvalidQuantity: terminal(
    'A duration or byte quantity cannot be read or lies outside its bounds.',
    WITHOUT_AGENTS,
    'Write durations such as 500ms or 1m30s and quantities such as 1250M, within the bounds given in the message.',
  ),
  PodNameUnsupported: terminal(
    'spec.source.podName is set, but this operator cannot find the devices of a pod: one that runs on a folder of manifests never can.',
    WITHOUT_AGENTS,
    'Remove podName and list the devices of the pod in spec.source.devices.',
  ),
  UnknownField: terminal(
    'The manifest has a field that this version does not know.',
    WITHOUT_AGENTS,
    'Remove or correct the field named in the message.',
  ),

  // Preflight.
  DeviceNotFound: terminal(
    'A named device is not in the inventory of its node.',
    REFUSED,
    'Compare the ids with `kubectl get ndi <node> -o yaml`.',
  ),
  DeviceBusy: terminal(
    'A device is bound to another migration.',
    REFUSED,
    `Wait until the migration named in the message has ended, ${NEW_OBJECT}`,
  ),
  DeviceNotMigratable: terminal(
    'A device offers neither the v1 migration region nor the v2 migration feature.',
    REFUSED,
    'Bind the device to a driver that supports migration, or leave the workload where it is.',
  ),
  DeviceNotRunning: terminal(
    'A device is not in the Running state before the migration.',
    REFUSED,
    `Reset the device or end what else drives it, ${NEW_OBJECT}`,
  ),
  NoPeerToPeerQuiesce: terminal(
    'A device of a set of several cannot be quiesced for peer-to-peer traffic (v1: no NDMA capability; v2: no P2P flag).',
    REFUSED,
    'Update its driver; without it a set of several devices cannot be stopped without losing traffic.',
  ),
  ResetUnsupported: terminal(
    'A device does not support VFIO_DEVICE_RESET, the only way out of the Error state.',
    REFUSED,
    'Use a device and driver that support reset.',
  ),
  ModelMismatch: terminal(
    'Source and target device differ in model, driver or firmware.',
    REFUSED,
    `Choose a target with equal devices, or bring both to equal versions, ${NEW_OBJECT}`,
  ),
  RegionSizeMismatch: terminal(
    'The migration region of the target is smaller than a segment of the source may be.',
    REFUSED,
    'Choose a target whose devices have migration regions of the same size.',
  ),
  ProtocolMismatch: terminal(
    'Source and target device speak different migration protocols.',
    REFUSED,
    'Bring the drivers of both nodes to the same migration protocol.',
  ),
  SetIncomplete: terminal(
    'The set leaves out devices of a workload of which it names others; a workload moves with all its devices or not at all.',
    REFUSED,
    'List every device of the workload in spec.source.devices, or choose a target workload of as many devices; the message names those that are missing.',
  ),
  OwnedByVmm: terminal(
    'A device is driven by a virtual machine monitor, which keeps its own copy of the state of the device, or the broker cannot tell whether it is.',
    REFUSED,
    'Move the virtual machine with the means of its monitor, or end it first; a broker that cannot tell needs the PID namespace of the host and CAP_SYS_PTRACE when it takes the device over.',
  ),
  PairingImpossible: terminal(
    'The target has no free matching device for every source device, or the explicit pairing does not fit.',
    REFUSED,
    'Free devices on the target, choose another target, or correct spec.target.devices to one target device for each source device.',
  ),
  NodeUnknown: passing(
    'A node of the migration publishes no inventory.',
    'Asked again for up to 60 s, then ended the migration as Rejected; no device was touched.',
    'Check the node name and that the agent runs there.',
  ),

  // The pods of a set.
  PodNotFound: terminal(
    'The pod that spec.source names does not run on the source node: it is gone, ends, is another one of that name, or waits itself for a workload that comes in.',
    'Ended the migration as Rejected before anything was touched.',
    'Name a pod that runs, with its node; leave podUID out unless just that one is meant.',
  ),
  UnsupportedOwner: terminal(
    'The pod cannot be replaced by one on another node: its owner is of a kind that would make or delete pods of its own then (the message says why), or the admission policy that keeps owners still is not in force.',
    'Ended the migration as Rejected; the pod and its devices were not touched.',
    'Pods of Deployments, ReplicaSets and Jobs can move, and such without an owner. Let others end by themselves. For the policy see charts/transship/templates/operator/handoverpolicy.yaml.',
  ),
  TargetUnschedulable: terminal(
    'The target pod found no node within 5 minutes, or was not given its devices within 15, or was refused by the API server; the message says what stood in the way.',
    'Deleted the target pod and ended the migration as Rejected; the source was not touched.',
    'Free devices on another node, or widen spec.target and the pod’s own node selection.',
  ),
  TargetPodLost: terminal(
    'A pod of the migration was deleted before the decision, or has ended.',
    'Gave the set up: the source runs on. What its pod still holds is deleted with it.',
    'Find out who deletes pods there, then create a new DeviceMigration.',
  ),

  // Reaching the devices.
  DeviceUnreachable: passing(
    'What offers a device does not answer: its vfio-user server, the broker, or the device itself, which may be unplugged.',
    'Opens it again whenever it is looked at. Preflight waits 60 s for it and then rejects; before the decision a device that is silent for 30 s makes the operator give the set up; after the decision it is waited for.',
    'Check that the server or the broker of the node runs and that the device is there; it is opened again by itself.',
  ),
  DeviceHeld: terminal(
    'A device is opened by a process that is not the broker, and the kernel gives it to one at a time.',
    OPENED_LATER,
    `End the process that holds the device, or let the broker take the device from it, ${NEW_OBJECT}`,
  ),
  DeviceAbsent: terminal(
    'The node has no device at the address that the broker was given.',
    OPENED_LATER,
    `Plug the device in and bind it to its VFIO driver, or correct its address, ${NEW_OBJECT}`,
  ),
  IommuRefused: terminal(
    'The IOMMU refused the device: the container or iommufd that it is to share could not be set.',
    OPENED_LATER,
    `Check that the IOMMU is enabled and that every device of its group is bound to VFIO (the kernel log of the node tells more), ${NEW_OBJECT}`,
  ),
  BrokerRefused: terminal(
    'The broker does not serve this agent, or does not know the device.',
    OPENED_LATER,
    `Give the broker the user id that the agent runs as, and the same device names as the devices file, ${NEW_OBJECT}`,
  ),

  // Talking to the agents.
  AgentUnreachable: passing(
    'An agent did not answer in time.',
    'Called again, with pauses of at most 10 s. Preflight gives up after 60 s, the operator after 30 s before the decision: the migration is rejected, or the set goes back to the source once that one answers; until then the target keeps what it was given, since the source goes first. A source that had not been stopped goes home by itself meanwhile. After the decision both agents are waited for without an end, but not a source of a committed set that is out of service or declared dead: the set runs on without it.',
    'Check the agent pod, its certificate and the network to the node named in the message; a source that is gone for good after Commit is answered for with `transship recover MIGRATION --source-is-dead "PROOF"`.',
  ),
  StaleFence: passing(
    'A command carried a lower fence than the agent has accepted; another operator owns the migration.',
    'The agent changed nothing. The operator that sent the command lets go of the migration and, if it still leads, takes it up again under a higher fence; a pull that was refused ends its generation.',
    'Nothing: the owner goes on, the other one stops.',
  ),
  StaleSequence: passing(
    'A command was older than the last one accepted.',
    'The agent changed nothing; the operator took the session as the agent showed it and decided anew.',
    'Nothing: the operator observes and sends the command that fits.',
  ),
  FenceConflict: passing(
    'Two operators used the same fence; the later one was refused.',
    'The agent changed nothing; the operator that was refused let go of the migration and, if it still leads, raised the fence. On a folder of manifests the operator that lost its lock ended.',
    'Nothing: the refused operator raises the fence. If it repeats, look for operators without a common Lease.',
  ),
  TicketInvalid: passing(
    'A pull carried a ticket that does not belong to the current saving session.',
    'Served nothing. The target stopped loading, and the operator begins another generation with the right ticket while recovery.retries remain, else records Abort.',
    'Nothing: the operator hands out a new ticket.',
  ),
  IllegalPhase: passing(
    'A command does not fit the state of the session at the agent.',
    'Changed nothing but the number of the last command; the operator took the session as it is and decided anew. A pull that was refused ends its generation.',
    'Nothing: the operator observes the agent and sends the command that fits.',
  ),
  VersionSkew: terminal(
    'Operator and agent are more than one version of their contract apart, or one asked for what the other does not know yet.',
    'Acted on nothing. Preflight rejects the migration at once; before the decision the set goes back to the source after 30 s, as with an agent that does not answer; after the decision it is waited for.',
    `Upgrade the older one, which the message names; a migration that was decided then goes on by itself, any other one has ended: ${NEW_OBJECT}`,
  ),
  MessageUnreadable: passing(
    'A message lacks a part or has a value that its receiver does not know; the receiver did not act on it.',
    'Acted on nothing. A call counts as one without an answer; a stream ends, and another generation is begun while recovery.retries remain.',
    'Bring operator and agents to versions that are next to each other; if they are, report it with the logs of both sides.',
  ),

  // The set.
  QuiesceTimeout: passing(
    'A device did not quiesce within strategy.quiesceTimeout; the workload was thawed first.',
    'Thawed the workload before anything else. With onDeadline Abort the set goes back to Running and the migration fails; with Wait every device returns to where it was, and the set is quiesced again after a pause of half to all of strategy.quiesceTimeout, which doubles with each such timeout up to strategy.preCopyTimeout.',
    'Raise strategy.quiesceTimeout, set strategy.onDeadline to Wait, or move the workload when it is less busy.',
  ),
  ArcFailed: passing(
    'A device refused a state transition and kept its state.',
    'Before the stop the source went back to Running by itself. After it another generation is begun while recovery.retries remain, else Abort is recorded. On the way back the device is RESET. A target that is being started is ordered again until the device obeys.',
    'Read the errno in the message and the kernel log of the node.',
  ),
  DeviceError: passing(
    'A device entered the Error state; only a reset leaves it.',
    'Never ordered an arc of the device again, only RESET; its state is lost, and the set is treated as for DeviceStateLost. A source device that fails while it is read, without being in Error, is treated as for ArcFailed.',
    'Read the kernel log of the node named in the message.',
  ),
  DeviceStateLost: terminal(
    'A device was reset or reopened while it held the state of the workload; that state is gone.',
    'At the source, until it has promised its data, the set goes back, the workload is told which devices were reset, and the migration fails; later the target has what was lost, and the move goes on. At a target that has not verified another generation is begun; one that has is given up, and the source runs on by Abort or Revert. Once activation was ordered it is TargetLost.',
    'Restart the workload from its own checkpoint; a device that is in quarantine is freed with `transship recover --device ID --node NODE`.',
  ),
  DeviceStuck: passing(
    'A device call outlived its deadline and has not returned.',
    'Ordered nothing else of the device and waits for the call; the condition Reconciling names it. Before the decision one that hangs for 30 s makes the operator give the set up, but in a quiesce, which has its own deadline. The way back waits for the call too, and no set is activated while one of its devices does not answer.',
    'Wait for it; if it never returns, reboot the node named in the message.',
  ),
  ResetFailed: terminal(
    'A device could not be reset and is held in quarantine.',
    'Holds the device in quarantine, also over restarts, and lets the rest of the set go on. A target that cannot be reset before the decision makes the operator give the set up; after Commit and before activation it is TargetLost; a source device that cannot be reset on release stays behind, and the migration succeeds.',
    'Reset it by other means or reboot its node, then end the quarantine with `transship recover --device ID --node NODE`.',
  ),
  StateUnexplained: terminal(
    'A device was found in a state that no journal of its agent explains; it may hold the only copy of a state, so it is held in quarantine.',
    'Left the device as it is and gives it to no migration; it is never reset by itself.',
    'Find out whose state it holds; when nobody needs it, reset the device with `transship recover --device ID --node NODE`.',
  ),
  JournalRefused: terminal(
    'The journal file of a migration cannot be read, so every device that it may be about is held in quarantine.',
    'Kept the file under refused/ in the state directory, and takes no command for its migration: the operator treats the agent as one that does not answer. The devices are left as they are.',
    'Look at the file named in the message and at the other node of the migration; when nobody needs what a device holds, reset it with `transship recover --device ID --node NODE`.',
  ),
  QuarantineUnreadable: terminal(
    'The list of devices in quarantine of an agent cannot be read, so every device of its node is held in quarantine.',
    'Left every device as it is and gives none to a migration.',
    'Look at the file named in the message; reset each device that nobody needs as it is with `transship recover --device ID --node NODE`.',
  ),
  NotQuarantined: terminal(
    'A device that is to be recovered is not in quarantine, or it is held for another migration than was named.',
    'Did nothing.',
    'Compare the device and the migration with `kubectl get ndi <node> -o yaml`.',
  ),

  // The streams.
  StreamCorrupt: passing(
    'A checksum of a stream does not match.',
    ENDS_GENERATION,
    'If it repeats, check memory and network of both nodes.',
  ),
  StreamTruncated: passing(
    'A stream ended before the end its source declared.',
    ENDS_GENERATION,
    'If it repeats, check the source agent and the network.',
  ),
  StreamOutOfOrder: passing(
    'A stream continued at another place than the next unwritten byte.',
    ENDS_GENERATION,
    'If it repeats, report it with the logs of both agents.',
  ),
  StreamTooLarge: passing(
    'A segment or stream is larger than the target accepts.',
    ENDS_GENERATION,
    'Choose a target with equal devices; check that both agents have the same version.',
  ),
  LoadRejected: passing(
    'A target device refused the state it was given.',
    ENDS_GENERATION,
    'Check that firmware and driver are equal on both sides; the kernel log of the target tells more.',
  ),

  // The workload.
  WorkloadUnreachable: passing(
    'The workload did not answer its agent before the migration: it is starting, its node is overloaded, or nobody serves its hook.',
    'Asked again. The operator waits 60 s for it and then rejects the migration, or lets the source go on; no device was stopped.',
    'Check that the workload runs and serves its hook; then create the migration again.',
  ),
  FreezeFailed: terminal(
    'The workload could not be frozen.',
    'Thawed the workload, since it may have obeyed late, and brought the devices back to Running; none was stopped. When its control refused to answer before the migration, the set was refused and no device touched.',
    `Check the workload control named in the message, ${NEW_OBJECT}`,
  ),
  ThawFailed: passing(
    'The workload could not be thawed; it is retried until it works.',
    'Asked again until the workload obeys, also by an agent that has lost its operator; the devices run already. A target whose workload does not answer is not activated before it does.',
    'Check the workload control named in the message.',
  ),
  WorkloadFailed: passing(
    'The workload ended or reported an error of its own during the migration.',
    'Refused a source whose workload stands still already. While its state is read or loaded the same happens as for ArcFailed. A target whose workload is not waiting any more is not activated: it is reset, Revert is recorded, and the source runs; one that ends while it is started is TargetLost. Devices that go back to a workload that has ended run without it. A source workload that does not end on release is told again until it does, and its devices are reset only then.',
    'Read the logs of the workload, then restart it.',
  ),

  // Losing a part.
  TargetLost: terminal(
    'The target was lost after its activation had been ordered; the source is kept stopped in quarantine.',
    'Keeps the source as it is: stopped, its workload frozen, its devices given to nobody. Nothing at either side is reset or started any more. The migration ends as Failed, also when the node of the target is marked out of service before it told whether the set ran, or stands still when the journal of the target has no memory of the set.',
    'Prove that the target is dead and run `transship recover MIGRATION --source --target-is-dead "PROOF"`, or give the state up with `transship recover MIGRATION --discard`.',
  ),
  OperatorLost: terminal(
    'The source agent lost its operator before the stop and rolled back alone.',
    'Thawed the workload and brought the source back to Running, or reset a target that had not verified, and refuses the migration from then on. The operator that comes back ends it as Failed. A set that is stopped waits instead.',
    `Check the operator; the source runs, ${NEW_OBJECT}`,
  ),
  AgentRestarted: passing(
    'An agent restarted during the migration.',
    'A source that had not been told to stop went back to Running by itself. Streams that were moving are given up, and another generation is begun while recovery.retries remain. What an agent had promised or what was decided goes on.',
    'If it repeats, read why the agent ended.',
  ),
  Cancelled: terminal(
    'The object was deleted before the decision; the source runs.',
    'Brought the source back to Running, then reset the target; Abort is recorded once anything was placed.',
    'Nothing.',
  ),
  RecordRegressed: terminal(
    'The recorded decision, fence or stop is behind what was recorded before, as after restoring an old etcd backup.',
    'Orders nothing more. Both sides stay as they are, a stopped set stopped, until a person decides.',
    'Compare the record with the journals of both agents, then run `transship recover --orphan UID --node NODE --run` for the node that shall have the set, or give it up with --discard instead of --run.',
  ),
  RecordMissing: terminal(
    'The DeviceMigration is gone or has another UID while the agents still hold a stopped set for it.',
    'Orders nothing more. Both sides stay as they are, a stopped set stopped, until a person decides. An operator that sees the object vanish says so in an event on both nodes.',
    'Let the set run on the right node with `transship recover --orphan UID --node NODE --run`, or give it up with --discard instead of --run.',
  ),

  // Everything else.
  DeadlineExceeded: passing(
    'A step did not finish within its deadline.',
    'Gave the set up when a device was silent for 30 s before the decision: the source goes back, the target is reset. A call to an agent that took too long counts as one without an answer.',
    'Read the message for the step; raise its timeout if it is known to need longer.',
  ),
  Internal: passing(
    'Something happened that the program did not expect.',
    'Treated it as the failure of what was being done: a command counts as unanswered, a device operation as refused, a stream as one that ended its generation. A record that cannot be read stops everything for its migration.',
    'Report it with the logs of the operator and both agents.',
  ),
} as const satisfies Record<string, ErrorMeaning>;

export type ErrorCode = keyof typeof errors;

export const ERROR_CODES = Object.keys(errors) as readonly ErrorCode[];

/** Narrows a word from outside (a newer agent may know more codes). */
export function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(errors, code);
}
