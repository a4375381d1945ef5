import { decide, freshMemory, observed, raised, retry, unanswered, failure } from '@transship/operator/core';
import type { Action, Memory, Observed, Plan } from '@transship/operator/core';
import { view, type Role, type SourceCommand, type TargetCommand } from '@transship/node-agent/core';
import { DEVICES, spend, type Api, type Move, type Operator, type World, type Write } from './world.ts';

export const PLAN: Plan = {
  sourceNode: 'a',
  preCopy: true,
  waitOnDeadline: false,
  quiesceTimeoutMs: 1,
  bandwidthLimit: 0,
  retries: 1,
};

/** The plan, and what is changed to prove that a rule is needed: the operator's decisions, or the world after a move. */
export interface Variant {
  readonly plan: Plan;
  readonly decide: (o: Observed) => Action;
  readonly after: (world: World) => World;
}

export const production = (plan: Plan = PLAN): Variant => ({ plan, decide, after: (world) => world });

const look = (world: World, memory: Memory, plan: Plan): Observed => ({
  plan,
  record: world.api,
  held: memory.held,
  superseded: memory.superseded,
  decided: memory.decided,
  source: memory.source,
  target: memory.target,
  placement: memory.placement,
  preCopyDone: true,
  expired: null,
});

export function operatorMoves(world: World, variant: Variant): Move[] {
  const moves: Move[] = [];
  world.operators.forEach((operator, index) => {
    const name = `operator ${index}`;
    const change = (to: Partial<Operator>, base = world): World => ({
      ...base,
      operators: base.operators.with(index, { ...operator, ...to }),
    });
    if (operator.leader) {
      if (operator.waiting === null) moves.push(...act(world, index, variant, change));
      else {
        const { role } = operator.waiting;
        const gone = spend(world, 'lost');
        if (gone !== null) {
          const memory = unanswered(operator.memory, role, failure('AgentUnreachable', 'no answer'));
          moves.push({ label: `${name}: no answer in time`, world: change({ memory, waiting: null }, gone) });
        }
      }
      const crash = spend(world, 'operatorCrash');
      if (crash !== null) {
        const again = { memory: freshMemory, waiting: null, instance: operator.instance + 2 };
        moves.push({ label: `${name}: killed and restarted`, world: change(again, crash) });
      }
    } else {
      const takeover = spend(world, 'takeover');
      if (takeover !== null) {
        moves.push({
          label: `${name}: becomes leader`,
          world: change({ leader: true, memory: freshMemory }, takeover),
        });
      }
    }
  });
  return moves;
}

type Change = (to: Partial<Operator>, base?: World) => World;

function act(world: World, index: number, variant: Variant, change: Change): Move[] {
  const operator = world.operators[index] as Operator;
  const { memory } = operator;
  const action = variant.decide(look(world, memory, variant.plan));
  const name = `operator ${index}`;
  const moves = action.kind === 'wait' || action.kind === 'stall' ? refreshed(world, index, change) : [];
  switch (action.kind) {
    case 'raiseFence': {
      const set = { fence: world.api.fence + 1 };
      const next = change({ memory: raised(memory, set.fence) }, { ...world, api: { ...world.api, ...set } });
      return [{ label: `${name}: raises the fence to ${set.fence}`, world: next }];
    }
    case 'yield':
      return [{ label: `${name}: yields`, world: change({ leader: false, memory: freshMemory }) }];
    case 'attach': {
      const role = memory.source.kind === 'unattached' ? 'source' : 'target';
      return [send(world, index, role, { kind: 'attach' })];
    }
    case 'place': {
      const placement = {
        kind: 'placed' as const,
        sourceDevices: DEVICES.source,
        targetDevices: DEVICES.target,
        sourceEndpoint: 'e',
      };
      return [{ label: `${name}: places the set`, world: change({ memory: { ...memory, placement } }) }];
    }
    case 'commandSource':
      return [send(world, index, 'source', action.command)];
    case 'commandTarget':
      return [send(world, index, 'target', action.command)];
    case 'recordPlacement':
      return write(world, index, 'the placement', { placed: true });
    case 'recordStopping':
      return write(world, index, 'stopping', { stopping: true });
    case 'recordDecision':
      return write(world, index, action.to, { decision: action.to, reason: action.reason });
    case 'finish':
      return write(world, index, action.phase, {
        ended: true,
        outcome: { phase: action.phase, code: action.failure?.code ?? null },
      });
    case 'removeFinalizer':
      return write(world, index, 'no finalizer', { finalizerPresent: false });
    default:
      return moves;
  }
}

function send(world: World, index: number, role: Role, command: SourceCommand | TargetCommand): Move {
  const operator = world.operators[index] as Operator;
  const sequence = operator.memory.sequence + 1;
  const message = {
    role,
    operator: index,
    instance: operator.instance,
    fence: operator.memory.held ?? 0,
    sequence,
    command,
  };
  const next: Operator = {
    ...operator,
    memory: { ...operator.memory, sequence },
    waiting: { role, sequence },
  };
  return {
    label: `operator ${index}: sends ${command.kind} to the ${role} (${message.fence}.${sequence})`,
    world: { ...world, network: [...world.network, message], operators: world.operators.with(index, next) },
  };
}

/** Every record write is a compare-and-swap; it lands at once, or (fault) some time later, or never. */
function write(world: World, index: number, name: string, set: Partial<Api>): Move[] {
  const { fence, decision, stopping } = world.api;
  const pending: Write = { tests: { fence, decision, stopping }, set };
  const moves = [
    { label: `operator ${index}: records ${name}`, world: { ...world, api: { ...world.api, ...set } } },
  ];
  const stalled = spend(world, 'stalledWrite');
  if (stalled !== null && world.writes.length === 0) {
    const next = { ...stalled, writes: [pending] };
    moves.push({ label: `operator ${index}: its write of ${name} stalls`, world: next });
  }
  return moves;
}

/** A write that was given up by its sender reaches the API server. */
export function lateWrites(world: World): Move[] {
  return world.writes.map((pending, index) => {
    const { tests, set } = pending;
    const { api } = world;
    const applies =
      !api.ended &&
      tests.fence === api.fence &&
      tests.decision === api.decision &&
      tests.stopping === api.stopping;
    const writes = world.writes.toSpliced(index, 1);
    return {
      label: `a stalled write lands (${applies ? 'applied' : 'refused'})`,
      world: { ...world, writes, api: applies ? { ...api, ...set } : api },
    };
  });
}

/** The observe stream brings the newest snapshot; an agent that did not answer is asked again. */
function refreshed(world: World, index: number, change: Change): Move[] {
  const operator = world.operators[index] as Operator;
  const moves: Move[] = [];
  for (const role of ['source', 'target'] as const) {
    const agent = world[role].agent;
    const side = operator.memory[role];
    if (side.kind === 'unreachable') {
      const memory = retry(operator.memory, role);
      moves.push({ label: `operator ${index}: tries the ${role} again`, world: change({ memory }) });
    } else if (agent !== null && side.kind === 'session') {
      const now = view(agent);
      if (JSON.stringify(now) === JSON.stringify(side.session)) continue;
      const memory = observed(operator.memory, role, now);
      if (memory !== operator.memory) {
        moves.push({
          label: `operator ${index}: sees the ${role} at ${now.phase}`,
          world: change({ memory }),
        });
      }
    }
  }
  return moves;
}
