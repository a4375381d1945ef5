import type { Role, SessionSnapshot, SourceCommand, TargetCommand } from '@transship/node-agent/contract';
import { doubted, raised, retry, retryLeft, type Action } from '../core/index.ts';
import { discardLeft, leaveTarget } from './fallback.ts';
import { place } from './place.ts';
import type { ReconcilerPorts, StoredMigration, WriteOutcome } from './ports.ts';
import { agentOf, send } from './send.ts';
import type { Voyage } from './voyage.ts';

/** What an action came to. `again`: look and decide once more, from `stored` when it is given. */
export type Performed =
  | { readonly kind: 'again'; readonly stored: StoredMigration | null }
  | { readonly kind: 'wait'; readonly afterMs: number }
  | { readonly kind: 'done' };

/** Observations wake the loop; this is how long it sleeps when none comes. */
const POLL_MS = 1_000;
const LONG_POLL_MS = 10_000;
const SETBACK_MS = 100;
const SETBACK_CEILING_MS = 10_000;
/** An agent tells of each change at once; one that told nothing for this long is asked whether it is there. */
const DOUBT_MS = 10_000;

/** Carries one action out. Writes and commands are fenced, so a repeat is harmless. */
export async function perform(
  ports: ReconcilerPorts,
  stored: StoredMigration,
  voyage: Voyage,
  action: Action,
  signal: AbortSignal,
): Promise<Performed> {
  const { store, instance } = ports;
  switch (action.kind) {
    case 'none':
      return { kind: 'done' };
    case 'addFinalizer':
      return written(await store.addFinalizer(stored, signal), voyage);
    case 'removeFinalizer':
      return written(await store.removeFinalizer(stored, signal), voyage);
    case 'raiseFence': {
      const outcome = await store.raiseFence(stored, instance, signal);
      if (outcome.kind === 'written') voyage.memory = raised(voyage.memory, outcome.stored.status.fence);
      return written(outcome, voyage);
    }
    case 'yield':
      return { kind: 'done' };
    case 'attach':
      return attach(ports, stored, voyage, signal);
    case 'place': {
      const found = await place(ports, stored, voyage, signal);
      if (found.kind === 'later') return setback(voyage);
      voyage.memory = { ...voyage.memory, placement: found.placement };
      return { kind: 'again', stored };
    }
    case 'commandSource':
      if (action.command.kind === 'quiesce') voyage.frozenAt = ports.clock.now();
      return command(ports, stored, voyage, 'source', action.command, signal);
    case 'commandTarget':
      return command(ports, stored, voyage, 'target', action.command, signal);
    case 'recordTarget':
      return written(await leaveTarget(ports, stored, voyage, action, signal), voyage);
    case 'discardLeft': {
      const gained = await discardLeft(ports, stored, voyage, action, signal);
      return gained ? { kind: 'again', stored } : setback(voyage);
    }
    case 'recordStopping':
      return written(await store.recordStopping(stored, instance, signal), voyage);
    case 'recordDecision': {
      const { from, to, reason } = action;
      if (to === 'Commit') {
        // What was read before the last command was out knows of no deletion since, and a deletion cancels until now.
        const now = await store.get(stored.key, signal);
        const isAsRead = now?.uid === stored.uid && now.deletionRequested === stored.deletionRequested;
        if (!isAsRead) return { kind: 'again', stored: now };
      }
      const outcome = await store.recordDecision(stored, from, to, instance, reason.slice(0, 1024), signal);
      ports.metrics.decisionRecorded(to, outcome.kind);
      ports.log.info({ uid: stored.uid, from, to, reason, outcome: outcome.kind }, 'decision');
      return written(outcome, voyage);
    }
    // The status patch that follows either of these is what they are.
    case 'finish':
    case 'recordPlacement':
      return { kind: 'done' };
    case 'wait':
      return { kind: 'wait', afterMs: silent(voyage) ? setback(voyage).afterMs : POLL_MS };
    case 'stall':
      return { kind: 'wait', afterMs: LONG_POLL_MS };
  }
}

/** An ambiguous write may have landed, or may yet: the record is read back and what is written is obeyed. */
function written(outcome: WriteOutcome, voyage: Voyage): Performed {
  switch (outcome.kind) {
    case 'written':
      voyage.setbacks = 0;
      return { kind: 'again', stored: outcome.stored };
    case 'conflict':
    case 'gone':
      return { kind: 'again', stored: null };
    case 'ambiguous':
      return setback(voyage);
  }
}

async function attach(
  ports: ReconcilerPorts,
  stored: StoredMigration,
  voyage: Voyage,
  signal: AbortSignal,
): Promise<Performed> {
  const roles = (['source', 'target'] as const).filter((role) => voyage.memory[role].kind === 'unattached');
  // Each call takes its sequence before it is out, so the two can run at the same time.
  await Promise.all(roles.map((role) => send(ports, stored, voyage, role, { kind: 'attach' }, signal)));
  for (const role of roles) follow(ports, stored, voyage, role);
  return { kind: 'again', stored };
}

/** Follows a session from now on; each change wakes the loop. */
function follow(ports: ReconcilerPorts, stored: StoredMigration, voyage: Voyage, role: Role): void {
  const agent = agentOf(ports, stored, role);
  if (agent === null) return;
  const following = voyage.follow(role);
  if (following === null) return;
  const onSnapshot = (snapshot: SessionSnapshot): void => {
    voyage.heardAt.set(role, ports.clock.now());
    // The target may have been left for another meanwhile.
    if (!following.aborted && voyage.see(role, snapshot)) ports.wake(stored.key);
  };
  agent.observe(stored.uid, role, onSnapshot, following);
}

async function command(
  ports: ReconcilerPorts,
  stored: StoredMigration,
  voyage: Voyage,
  role: Role,
  order: SourceCommand | TargetCommand,
  signal: AbortSignal,
): Promise<Performed> {
  const { clock } = ports;
  const before = whereIs(voyage, role);
  const name = `${role} ${order.kind} ${before}`;
  const heldUp = voyage.pace.waitFor(name, clock.now());
  if (heldUp > 0) return { kind: 'wait', afterMs: heldUp };
  const answer = await send(ports, stored, voyage, role, order, signal);
  if (answer === 'unreachable') return { kind: 'again', stored };
  voyage.pace.note(name, whereIs(voyage, role) !== before, clock.now());
  const { target } = voyage.memory;
  if (target.kind === 'session' && target.session.phase === 'Active' && voyage.frozenAt !== null) {
    voyage.downtimeMs ??= clock.now() - voyage.frozenAt;
  }
  // A refusal says that we knew too little; the session that came with it is the news. But not in a loop.
  if (answer === 'refused') return setback(voyage);
  voyage.setbacks = 0;
  return { kind: 'again', stored };
}

/** Where a session stands, as one word. */
function whereIs({ memory }: Voyage, role: Role): string {
  const side = memory[role];
  if (side.kind !== 'session') return side.kind;
  const { phase, generation, settled } = side.session;
  return `${phase}/${generation}/${settled}`;
}

const silent = ({ memory: { source, target, left } }: Voyage): boolean =>
  [source, target, ...Object.values(left)].some(({ kind }) => kind === 'unreachable');

/** Waits longer each time nothing was gained, with a ceiling and jitter, and then asks anew. */
function setback(voyage: Voyage): { readonly kind: 'wait'; readonly afterMs: number } {
  voyage.setbacks += 1;
  const ceiling = Math.min(SETBACK_MS * 2 ** Math.min(voyage.setbacks, 10), SETBACK_CEILING_MS);
  return { kind: 'wait', afterMs: ceiling * (0.5 + Math.random() / 2) };
}

/**
 * Called when a wait is over: sides that did not answer are asked again, and before the decision also one that has told
 * nothing for long. While the operator waits for the other one, only that would show that it is gone.
 */
export function askAgain(voyage: Voyage, now: number): void {
  voyage.memory = retryLeft(retry(retry(voyage.memory, 'source'), 'target'));
  if (voyage.stored?.status.decision.value !== 'Undecided') return;
  for (const role of ['source', 'target'] as const) {
    const at = voyage.heardAt.get(role);
    if (at !== undefined && now - at >= DOUBT_MS) voyage.memory = doubted(voyage.memory, role);
  }
}
