/** Where a source session stands. A `*` marks what is journalled before the first effect of the phase. */
export type SourcePhase =
  | 'Fenced' // * the UID is known by its fence alone; nothing is bound
  | 'Prepared' // * devices bound, all Running
  | 'PreCopying' // devices on their way to PreCopy
  | 'PreCopy' // saving streams open, workload runs
  | 'Quiescing' // workload frozen, devices on their way to P2P
  | 'Quiesced' // barrier A: no device of the set initiates DMA
  | 'Unquiescing' // barrier A given up: thawed, devices return to where they came from
  | 'Stopping' // * devices on their way to StopCopy, then streams drain; only the record can undo it now
  | 'Stopped' // * promise: all at StopCopy, every stream of `generation` drained and taken by the target
  | 'RollingBack' // * on the way back; this migration is refused for good
  | 'Restarting' // * way back from a stop, past its barrier: devices to Running, then thaw
  | 'RolledBack' // * tombstone: set runs here (but for devices marked lost)
  | 'Releasing' // * workload discarded, devices stopped and reset
  | 'Released'; // * tombstone: devices free

/** Where a target session stands. */
export type TargetPhase =
  | 'Fenced'
  | 'Preparing' // * devices being reset and put into Resuming
  | 'Loading' // all Resuming, streams arrive
  | 'Verifying' // * everything arrived and compared; devices leave Resuming
  | 'Verified' // * promise: all at Stop with the state of `generation`
  | 'Activating' // * Commit seen; devices to RunningP2P
  | 'Starting' // * past barrier B: devices to Running, then thaw; the only phase that explains a Running device
  | 'Active' // * tombstone: set runs here
  | 'Discarding' // * devices being reset
  | 'Discarded'; // * tombstone: devices reset and free

export type Phase = SourcePhase | TargetPhase;

const TOMBSTONES: ReadonlySet<Phase> = new Set<Phase>(['RolledBack', 'Released', 'Active', 'Discarded']);

/** From here on the agent only repeats its answer for the UID, however late a command arrives. */
export const isTombstone = (phase: Phase): boolean => TOMBSTONES.has(phase);

const BINDING_FREE: ReadonlySet<Phase> = new Set<Phase>(['Fenced', ...TOMBSTONES]);

/** The session holds its devices: another migration that names one gets `DeviceBusy`. */
export const bindsDevices = (phase: Phase): boolean => !BINDING_FREE.has(phase);

const WAY_BACK: ReadonlySet<Phase> = new Set<Phase>(['RollingBack', 'Restarting', 'Releasing']);

/** Source: the session has turned round, or is on its way out after Commit; errors do not turn it any more. */
export const onTheWayBack = (phase: Phase): boolean => WAY_BACK.has(phase);

/** Source: on its way back to where it came from. */
export const isGoingHome = (phase: Phase): boolean => phase === 'RollingBack' || phase === 'Restarting';

const STOP_JOURNALLED: ReadonlySet<Phase> = new Set<Phase>(['Stopping', 'Stopped']);

/** Source: `stop` has been journalled, so only a recorded Abort or Revert lets the set run again. */
export const stopJournalled = (phase: Phase): boolean => STOP_JOURNALLED.has(phase);
