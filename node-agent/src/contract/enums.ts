import type { Decision, Role } from '../core/command.ts';
import type { KnownState } from '../core/device-state.ts';
import type { Phase } from '../core/phase.ts';
import type { StreamKind } from '../core/stream.ts';
import { UnreadableMessage } from './unreadable-message.ts';
import type { Decision__Output as WireDecision } from './generated/transship/agent/v1alpha1/Decision.ts';
import type { DeviceState__Output as WireState } from './generated/transship/agent/v1alpha1/DeviceState.ts';
import type { Role__Output as WireRole } from './generated/transship/agent/v1alpha1/Role.ts';
import type { SessionPhase__Output as WirePhase } from './generated/transship/agent/v1alpha1/SessionPhase.ts';
import type { StreamKind__Output as WireKind } from './generated/transship/agent/v1alpha1/StreamKind.ts';

/** Both directions between the words of the core and the values of one proto enum. */
export interface EnumCodec<Core extends string, Wire extends string> {
  toWire(word: Core): Wire;
  /** @throws UnreadableMessage for UNSPECIFIED and for values of a newer contract. */
  fromWire(value: string | number): Core;
}

/** The table has a row for each word and each row another value, else it does not compile or load. */
function codec<Core extends string, Wire extends string>(
  name: string,
  table: Readonly<Record<Core, Wire>>,
): EnumCodec<Core, Wire> {
  const words = new Map(
    (Object.entries(table) as [Core, Wire][]).map(([word, value]) => [value as string, word]),
  );
  return {
    toWire: (word) => table[word],
    fromWire: (value) => {
      const word = words.get(String(value));
      if (word === undefined)
        throw new UnreadableMessage(`${name}: ${JSON.stringify(value)} is not known here`);
      return word;
    },
  };
}

export const roles = codec<Role, WireRole>('Role', { source: 'ROLE_SOURCE', target: 'ROLE_TARGET' });

export const decisions = codec<Decision, WireDecision>('Decision', {
  Undecided: 'DECISION_UNDECIDED',
  Commit: 'DECISION_COMMIT',
  Abort: 'DECISION_ABORT',
  Revert: 'DECISION_REVERT',
});

export const deviceStates = codec<KnownState, WireState>('DeviceState', {
  Running: 'DEVICE_STATE_RUNNING',
  RunningP2P: 'DEVICE_STATE_RUNNING_P2P',
  PreCopy: 'DEVICE_STATE_PRE_COPY',
  PreCopyP2P: 'DEVICE_STATE_PRE_COPY_P2P',
  StopCopy: 'DEVICE_STATE_STOP_COPY',
  Stop: 'DEVICE_STATE_STOP',
  Resuming: 'DEVICE_STATE_RESUMING',
  Error: 'DEVICE_STATE_ERROR',
  Unknown: 'DEVICE_STATE_UNKNOWN',
});

export const streamKinds = codec<StreamKind, WireKind>('StreamKind', {
  device: 'STREAM_KIND_DEVICE',
  externals: 'STREAM_KIND_EXTERNALS',
  workload: 'STREAM_KIND_WORKLOAD',
});

export const phases = codec<Phase, WirePhase>('SessionPhase', {
  Fenced: 'SESSION_PHASE_FENCED',
  Prepared: 'SESSION_PHASE_PREPARED',
  PreCopying: 'SESSION_PHASE_PRE_COPYING',
  PreCopy: 'SESSION_PHASE_PRE_COPY',
  Quiescing: 'SESSION_PHASE_QUIESCING',
  Quiesced: 'SESSION_PHASE_QUIESCED',
  Unquiescing: 'SESSION_PHASE_UNQUIESCING',
  Stopping: 'SESSION_PHASE_STOPPING',
  Stopped: 'SESSION_PHASE_STOPPED',
  RollingBack: 'SESSION_PHASE_ROLLING_BACK',
  Restarting: 'SESSION_PHASE_RESTARTING',
  RolledBack: 'SESSION_PHASE_ROLLED_BACK',
  Releasing: 'SESSION_PHASE_RELEASING',
  Released: 'SESSION_PHASE_RELEASED',
  Preparing: 'SESSION_PHASE_PREPARING',
  Loading: 'SESSION_PHASE_LOADING',
  Verifying: 'SESSION_PHASE_VERIFYING',
  Verified: 'SESSION_PHASE_VERIFIED',
  Activating: 'SESSION_PHASE_ACTIVATING',
  Starting: 'SESSION_PHASE_STARTING',
  Active: 'SESSION_PHASE_ACTIVE',
  Discarding: 'SESSION_PHASE_DISCARDING',
  Discarded: 'SESSION_PHASE_DISCARDED',
});
