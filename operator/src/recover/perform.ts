import type { Failure, Role, SourceCommand, TargetCommand } from '@transship/node-agent/contract';
import type { WriteOutcome } from '../reconcile/ports.ts';
import type { FoundMigration, FoundOrphan } from './plan/found.ts';
import { endedByHand, recovered } from './plan/recovered-status.ts';
import type { Step } from './plan/step.ts';
import type { RecoveryPorts } from './ports.ts';

/** How long one set may take to get where it is ordered to, milliseconds; its arcs have deadlines of their own. */
const STEP_MS = 120_000;
/** How long an agent holds its answer back for the session to settle. */
const WAIT_MS = 2_000;
const PAUSE_MS = 500;
/** Orders to a session that has settled short of its goal. */
const MAX_ORDERS = 5;

/** A step that did not come to its end. What was done before it stands; the run may be repeated. */
export class StepFailed extends Error {
  override readonly name = 'StepFailed';
  readonly code: string;

  constructor({ code, message }: Pick<Failure, 'code' | 'message'>) {
    super(`${code}: ${message}`);
    this.code = code;
  }
}

/** What one run remembers; losing it costs another fence. */
export interface Run {
  held: number | null;
  sequence: number;
}

type Found = FoundMigration | FoundOrphan | null;

/** Found again, nothing done: somebody was faster, or it is not known whether a write landed. */
export type Performed = 'done' | 'look again';

/** Carries one step out. @throws StepFailed */
export async function perform(
  ports: RecoveryPorts,
  found: Found,
  run: Run,
  step: Step,
  signal: AbortSignal,
): Promise<Performed> {
  switch (step.kind) {
    case 'takeUp':
      return takeUp(ports, recordOf(found), run, step, signal);
    case 'claim':
      run.held = step.fence;
      run.sequence = 0;
      return 'done';
    case 'recordRevert': {
      const { store, instance } = ports;
      const record = recordOf(found);
      return written(await store.recordDecision(record, 'Commit', 'Revert', instance, step.reason, signal));
    }
    case 'recordSourceDead': {
      const at = ports.clock.wallNow().toISOString();
      const sourceDead = { at, by: ports.instance, proof: step.proof };
      return kept(await ports.store.patchStatus(recordOf(found), { sourceDead }, signal));
    }
    case 'commitSource':
      await order(ports, found, run, sourceOrder(step.node, { kind: 'commit', decision: 'Commit' }), signal);
      return 'done';
    case 'markRecovered': {
      const record = recordOf(found);
      const now = ports.clock.wallNow().toISOString();
      const patch = recovered(record.status, step.recovery, record.generation, now);
      return written(await ports.store.patchStatus(record, patch, signal));
    }
    case 'endQuarantine':
      return endQuarantine(ports, step, signal);
    case 'attach':
      await order(ports, found, run, { ...step, command: { kind: 'attach' }, waitMs: 0 }, signal);
      return 'done';
    case 'rollBackSource':
      return reach(
        ports,
        found,
        run,
        sourceOrder(step.node, { kind: 'rollBack', decision: step.decision }),
        ['RolledBack'],
        signal,
      );
    case 'releaseSource':
      return reach(
        ports,
        found,
        run,
        sourceOrder(step.node, { kind: 'release', decision: 'Commit' }),
        ['Released'],
        signal,
      );
    case 'activateTarget':
      return reach(
        ports,
        found,
        run,
        targetOrder(step.node, { kind: 'activate', decision: 'Commit' }),
        ['Active'],
        signal,
      );
    case 'discardTarget':
      return reach(
        ports,
        found,
        run,
        targetOrder(step.node, { kind: 'discard', decision: step.decision }),
        step.silently === true ? ['Discarding', 'Discarded'] : ['Discarded'],
        signal,
      );
  }
}

interface Order {
  readonly node: string;
  readonly role: Role;
  readonly command: SourceCommand | TargetCommand;
  readonly waitMs: number;
}

const sourceOrder = (node: string, command: SourceCommand): Order => ({
  node,
  role: 'source',
  command,
  waitMs: WAIT_MS,
});

const targetOrder = (node: string, command: TargetCommand): Order => ({
  node,
  role: 'target',
  command,
  waitMs: WAIT_MS,
});

function recordOf(found: Found): FoundMigration['record'] {
  if (found === null || found.record === null) throw new Error('this step needs a record');
  return found.record;
}

function uidOf(found: Found): string {
  if (found === null) throw new Error('this step needs a migration');
  return found.kind === 'orphan' ? found.uid : found.record.uid;
}

/** What the session is called that the plan was made for; empty: there was none, and any will do. */
function ticketOf(found: Found, node: string, role: Role): string {
  const sessions =
    found?.kind === 'orphan'
      ? found.nodes.flatMap((one) => (one.kind === 'sessions' && one.node === node ? one.sessions : []))
      : [found?.source, found?.target].flatMap((side) =>
          side?.kind === 'session' && side.node === node ? [side.session] : [],
        );
  return sessions.find((one) => one.role === role && one.uid === uidOf(found))?.ticket ?? '';
}

/** In one write, since an operator that is pushed off takes a migration up again unless it has ended. */
async function takeUp(
  { store, clock, instance }: RecoveryPorts,
  record: FoundMigration['record'],
  run: Run,
  { end }: Extract<Step, { kind: 'takeUp' }>,
  signal: AbortSignal,
): Promise<Performed> {
  const now = clock.wallNow().toISOString();
  const patch = end === null ? {} : endedByHand(record.status, end, record.generation, now);
  const outcome = await store.raiseFence(record, instance, signal, patch);
  if (outcome.kind === 'written') {
    run.held = outcome.stored.status.fence;
    run.sequence = 0;
  }
  return written(outcome);
}

/** An API server drops what its definition of the object does not know, and says nothing of it. */
function kept(outcome: WriteOutcome): Performed {
  if (outcome.kind !== 'written' || outcome.stored.status.sourceDead !== undefined) return written(outcome);
  const message =
    'the API server does not keep status.sourceDead; bring the definition of DeviceMigration to this release';
  throw new StepFailed({ code: 'VersionSkew', message });
}

function written(outcome: WriteOutcome): Performed {
  switch (outcome.kind) {
    case 'written':
      return 'done';
    case 'conflict':
    case 'ambiguous':
      return 'look again';
    case 'gone':
      throw new StepFailed({
        code: 'RecordMissing',
        message: 'the DeviceMigration was deleted meanwhile; what it left behind is ended with --orphan',
      });
  }
}

/** Sends one command. @throws StepFailed when the agent does not answer or will not obey. */
async function order(
  ports: RecoveryPorts,
  found: Found,
  run: Run,
  { node, role, command, waitMs }: Order,
  signal: AbortSignal,
) {
  const agent = ports.agent(node);
  if (agent === null || run.held === null)
    throw new StepFailed({ code: 'NodeUnknown', message: `no agent of ${node} is known` });
  run.sequence += 1;
  const { instance: operator } = ports;
  const of = { uid: uidOf(found), fence: run.held, sequence: run.sequence, operator };
  // What was found may be gone by now: an agent that lost its journal meanwhile refuses this, and is looked at again.
  const header = command.kind === 'attach' ? of : { ...of, ticket: ticketOf(found, node, role) };
  const reply = await agent.command({ header, role, command }, waitMs, signal);
  if (reply.kind === 'unreachable') throw new StepFailed(reply.failure);
  if (reply.refusal !== null)
    throw new StepFailed({
      ...reply.refusal,
      message: `${node} refused ${command.kind}: ${reply.refusal.message}`,
    });
  return reply.session;
}

/** Gives the order until its goal is reached: each repetition lifts what an error has stopped. */
async function reach(
  ports: RecoveryPorts,
  found: Found,
  run: Run,
  what: Order,
  goals: readonly string[],
  signal: AbortSignal,
): Promise<Performed> {
  const { clock } = ports;
  const until = clock.now() + STEP_MS;
  for (let settled = 0; ;) {
    const session = await order(ports, found, run, what, signal);
    if (goals.includes(session.phase)) return 'done';
    if (session.settled) settled += 1;
    if (settled >= MAX_ORDERS || clock.now() >= until) {
      const { error } = session;
      const code = error?.code ?? 'DeadlineExceeded';
      const why = error === null ? '' : ` (${error.code}: ${error.message})`;
      throw new StepFailed({
        code,
        message: `${what.node} is ${session.phase} and did not get to ${goals.join(' or ')}${why}`,
      });
    }
    await clock.sleep(PAUSE_MS * (0.5 + Math.random() / 2), signal);
    signal.throwIfAborted();
  }
}

async function endQuarantine(
  ports: RecoveryPorts,
  { node, device, uid }: Extract<Step, { kind: 'endQuarantine' }>,
  signal: AbortSignal,
): Promise<Performed> {
  const agent = ports.agent(node);
  if (agent === null) throw new StepFailed({ code: 'NodeUnknown', message: `no agent of ${node} is known` });
  const answer = await agent.endQuarantine(device, uid, signal);
  if (answer.kind === 'unreachable') throw new StepFailed(answer.failure);
  if (answer.refusal !== null) throw new StepFailed(answer.refusal);
  return 'done';
}
