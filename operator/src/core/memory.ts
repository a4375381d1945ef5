import type { DecisionValue } from '@transship/crds';
import type { Failure, Role, SessionSnapshot } from '@transship/node-agent/contract';
import { failure } from './failure.ts';
import { isBehind } from './regressed.ts';
import type { Observed, Placement, SessionView, SideView } from './observed.ts';

/**
 * What one operator process remembers of one migration. A restart forgets it; nothing in it is needed to
 * end the migration, it only saves asking again.
 */
export interface Memory {
  /** The fence this process raised, null when it holds none. */
  readonly held: number | null;
  /** Last sequence used under the held fence. */
  readonly sequence: number;
  /** Somebody raised the fence after us, or an agent has accepted a higher one. */
  readonly superseded: boolean;
  /** What this process has read or written as the decision: a record behind it came back from a backup. */
  readonly decided: DecisionValue;
  readonly source: SideView;
  readonly target: SideView;
  readonly placement: Placement;
  /** What is known of targets that were left, by node; asked only once they are to be discarded. */
  readonly left: Readonly<Record<string, SideView>>;
}

export const freshMemory: Memory = {
  held: null,
  sequence: 0,
  superseded: false,
  decided: 'Undecided',
  source: { kind: 'unattached' },
  target: { kind: 'unattached' },
  placement: { kind: 'unknown' },
  left: {},
};

/** What a decision is taken from of all this; the rest of `Observed` is the record, and time. */
export const remembered = ({
  held,
  superseded,
  decided,
  source,
  target,
  placement,
}: Memory): Pick<Observed, 'held' | 'superseded' | 'decided' | 'source' | 'target' | 'placement'> => ({
  held,
  superseded,
  decided,
  source,
  target,
  placement,
});

/** This process took the migration up: both agents have to accept the new fence first. */
export const raised = (memory: Memory, fence: number): Memory => ({
  ...freshMemory,
  held: fence,
  decided: memory.decided,
  placement: memory.placement,
});

/** This process has left the target for another, and raised the fence with it. */
export const retargeted = (memory: Memory, fence: number): Memory => ({
  ...raised(memory, fence),
  placement: { kind: 'unknown' },
});

/** The record was read. A decision that is behind what was read before is not taken in. */
export function noted(memory: Memory, decision: DecisionValue): Memory {
  const { decided } = memory;
  return decision === decided || isBehind(decision, decided) ? memory : { ...memory, decided: decision };
}

/**
 * A write that ends the object got no answer, so it may yet land. Nothing else is begun under the fence that it tests:
 * the next thing this process does is to raise it.
 */
export const unfinished = (memory: Memory): Memory => ({ ...raised(memory, 0), held: null });

const NOT_TAKEN_IN = failure('Internal', 'the agent does not take the fence in');

const with_ = (memory: Memory, role: Role, side: SideView): Memory => ({ ...memory, [role]: side });

/** The answer to a command. One that names another fence than ours says that we are superseded. */
export function replied(memory: Memory, role: Role, session: SessionView, refusal: Failure | null): Memory {
  if (memory.held === null) return memory;
  if (session.fence > memory.held) return outranked(memory, role, session);
  if (session.fence < memory.held || refusal?.code === 'FenceConflict')
    return { ...memory, superseded: true };
  return with_(memory, role, { kind: 'session', session, refusal });
}

/** The session is kept: where no record has its fence, it says more than that somebody else is at work. */
const outranked = (memory: Memory, role: Role, session: SessionView): Memory => ({
  ...with_(memory, role, { kind: 'session', session, refusal: null }),
  superseded: true,
});

/** The answer of a target that was left, or why there is none. */
export function leftReplied(memory: Memory, node: string, answer: SessionView | Failure): Memory {
  const { held } = memory;
  if (held === null) return memory;
  const isSession = 'phase' in answer;
  if (isSession && answer.fence > held) return { ...memory, superseded: true };
  // One that has not taken the fence in says nothing that counts.
  const side: SideView =
    isSession && answer.fence === held
      ? { kind: 'session', session: answer, refusal: null }
      : { kind: 'unreachable', failure: isSession ? NOT_TAKEN_IN : answer };
  return { ...memory, left: { ...memory.left, [node]: side } };
}

/** Time to ask those targets again that were left and are not Discarded yet. */
export function retryLeft(memory: Memory): Memory {
  const kept = Object.entries(memory.left).filter(
    ([, side]) => side.kind === 'session' && side.session.phase === 'Discarded',
  );
  return kept.length === Object.keys(memory.left).length
    ? memory
    : { ...memory, left: Object.fromEntries(kept) };
}

/**
 * No answer. The command may have been obeyed, or may yet be: only after the agent accepted a later
 * sequence (attach) is anything concluded again.
 */
export const unanswered = (memory: Memory, role: Role, failure: Failure): Memory =>
  with_(memory, role, { kind: 'unreachable', failure });

/** Time to ask an agent again that did not answer. */
export function retry(memory: Memory, role: Role): Memory {
  return memory[role].kind === 'unreachable' ? with_(memory, role, { kind: 'unattached' }) : memory;
}

/**
 * Nothing was heard of a side for long: it is asked whether it is there still, before anything else is concluded. Not
 * while a device of it does not answer: that is waited for with a limit of its own, which is counted by what is seen of it.
 */
export function doubted(memory: Memory, role: Role): Memory {
  const side = memory[role];
  if (side.kind !== 'session') return memory;
  const isMute = side.session.devices.some(({ state, stuck }) => stuck || state === 'Unknown');
  return isMute ? memory : with_(memory, role, { kind: 'unattached' });
}

/**
 * A snapshot from the observe stream; it counts only once the agent has accepted our fence. A refusal stands until
 * the agent has accepted a later command. An agent that has accepted it and shows a lower one has lost its journal:
 * it knows nothing of us any more, so it is asked to accept the fence again, and its answer says what is left.
 */
export function observed(memory: Memory, role: Role, session: SessionView | SessionSnapshot): Memory {
  const known = memory[role];
  if (known.kind !== 'session') return memory;
  if (memory.held === null) return memory;
  if (session.fence < memory.held) return with_(memory, role, { kind: 'unattached' });
  if (session.fence > memory.held) return outranked(memory, role, session);
  const refusal = session.sequence === known.session.sequence ? known.refusal : null;
  return with_(memory, role, { kind: 'session', session, refusal });
}
