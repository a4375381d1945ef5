import type { Decision, Role } from './command.ts';
import type { KnownState } from './device-state.ts';
import { isTombstone, type Phase } from './phase.ts';
import type { AgentState, Failure } from './session.ts';
import type { StreamProgress } from './stream.ts';

export interface DeviceSnapshot {
  readonly id: string;
  readonly state: KnownState;
  /** Its state is gone: reset, re-opened or in Error. */
  readonly lost: boolean;
  /** RESET failed; withheld. */
  readonly quarantined: boolean;
  /** A call has outlived its deadline and has not returned. */
  readonly stuck: boolean;
  /** It can be copied while it runs. */
  readonly preCopy: boolean;
  /** `v1` | `v2` */
  readonly protocol: string;
}

/** What an agent tells about one session; the runner adds version and agentInstance, which order snapshots. */
export interface SessionView {
  readonly uid: string;
  readonly role: Role;
  readonly fence: number;
  readonly sequence: number;
  readonly phase: Phase;
  readonly generation: number;
  /** Nothing is under way: the phase changes only by a command, or by a loss. */
  readonly settled: boolean;
  readonly error: Failure | null;
  readonly devices: readonly DeviceSnapshot[];
  readonly streams: readonly StreamProgress[];
  readonly ticket: string;
  readonly decision: Decision;
  readonly quiesceTimeouts: number;
  /** The agent knows the command `commit`. */
  readonly takesCommit: boolean;
}

export interface SessionSnapshot extends SessionView {
  readonly version: number;
  readonly agentInstance: string;
}

const RESTING: ReadonlySet<Phase> = new Set<Phase>([
  'Fenced',
  'Prepared',
  'PreCopy',
  'Quiesced',
  'Stopped',
  'Loading',
  'Verified',
]);

/** Nothing is under way that will change the phase without a command. */
export function settled({ session, live }: AgentState): boolean {
  if (live.workloadOp !== null || live.devices.some((device) => device.op !== null)) return false;
  return live.halted || RESTING.has(session.phase) || isTombstone(session.phase);
}

/** A call that has outlived its deadline is an error for as long as it is out, and none once it has returned. */
function stuckDevice({ session, live }: AgentState): Failure | null {
  for (const [index, { op }] of live.devices.entries()) {
    const id = session.devices[index]?.id;
    if (op?.overdue !== true || id === undefined) continue;
    const what = op.kind === 'arc' ? `the arc to ${op.to}` : 'RESET';
    const message = `${id} has not come back from ${what} in time; it is waited for and gets no other order meanwhile`;
    return { code: 'DeviceStuck', message, device: id };
  }
  return null;
}

export function view(state: AgentState): SessionView {
  const { session, live } = state;
  return {
    uid: session.uid,
    role: session.role,
    fence: session.fence,
    sequence: session.sequence,
    phase: session.phase,
    generation: session.generation,
    settled: settled(state),
    error: session.error ?? stuckDevice(state),
    devices: session.devices.map((bound, index) => ({
      id: bound.id,
      state: live.devices[index]?.state ?? 'Unknown',
      lost: bound.lost,
      quarantined: bound.quarantined,
      stuck: live.devices[index]?.op?.overdue ?? false,
      preCopy: bound.preCopy,
      protocol: bound.protocol,
    })),
    streams: live.streams,
    ticket: session.ticket,
    decision: session.decisionSeen,
    quiesceTimeouts: session.quiesceTimeouts,
    takesCommit: true,
  };
}
