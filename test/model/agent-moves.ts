import {
  bindsDevices,
  isTombstone,
  step,
  view,
  type AgentEvent,
  type Effect,
  type Failure,
  type KnownState,
  type Observation,
  type Role,
} from '@transship/node-agent/core';
import { replied } from '@transship/operator/core';
import {
  DEVICES,
  spend,
  UID,
  withDevice,
  withSide,
  type Message,
  type Move,
  type Side,
  type World,
} from './world.ts';

const failure = (code: string): Failure => ({ code, message: code, device: null });
const RUNS: ReadonlySet<KnownState> = new Set<KnownState>(['Running', 'RunningP2P', 'PreCopy', 'PreCopyP2P']);

export const incarnation = (n: number): string => String(n);

/** What the runner reads from devices and workload just before a command. */
export function observe(world: World, role: Role): Observation {
  const side = world[role];
  return {
    devices: side.devices.map((device, index) => ({
      id: DEVICES[role][index] ?? '',
      state: device.state,
      incarnation: incarnation(device.incarnation),
      protocol: 'v1',
      p2p: true,
      preCopy: true,
      resetSupported: true,
      unfit: null,
      externals: '',
      boundBy: null,
      quarantined: false,
    })),
    workload: side.workload,
    workloadDevices: [],
    ticket: 't',
  };
}

/** Runs one event through the production transition; effects without a device happen at once. */
export function agentStep(
  world: World,
  role: Role,
  event: AgentEvent,
): { world: World; refusal: Failure | null } {
  const result = step(world[role].agent, event);
  let next = withSide(world, role, { agent: result.state });
  for (const effect of result.effects) next = withSide(next, role, immediately(next[role], effect));
  return { world: next, refusal: result.refusal };
}

function immediately(side: Side, effect: Effect): Partial<Side> {
  switch (effect.kind) {
    case 'armQuiesceDeadline':
      return { quiesceArmed: true };
    case 'disarmQuiesceDeadline':
      return { quiesceArmed: false };
    case 'startLoading':
      return { arrived: null, workload: 'frozen' };
    default:
      // Arcs, resets and the workload's operations take time: device-moves finish them.
      return {};
  }
}

/** A message reaches its agent; the sender gets the answer if it still waits for it. */
export function deliver(world: World, index: number, keep: boolean): World {
  const message = world.network[index] as Message;
  const network = keep ? world.network : world.network.toSpliced(index, 1);
  const { role, fence, sequence, operator, instance, command } = message;
  const done = agentStep({ ...world, network }, role, {
    kind: 'command',
    header: { uid: UID, fence, sequence, operator: `o${instance}` },
    role,
    command,
    observed: observe(world, role),
  });
  const sender = done.world.operators[operator];
  const agent = done.world[role].agent;
  if (sender === undefined || agent === null || sender.instance !== instance) return done.world;
  if (sender.waiting?.role !== role || sender.waiting.sequence !== sequence) return done.world;
  const memory = replied(sender.memory, role, view(agent), done.refusal);
  return {
    ...done.world,
    operators: done.world.operators.with(operator, { ...sender, memory, waiting: null }),
  };
}

export function agentMoves(world: World, role: Role): Move[] {
  const moves: Move[] = [];
  const side = world[role];
  if (side.agent === null) return moves;
  const { live, session } = side.agent;
  live.devices.forEach((device, index) => {
    if (device.op !== null) moves.push(...finishOp(world, role, index));
  });
  if (live.workloadOp !== null) moves.push(finishWorkloadOp(world, role));
  moves.push(...streamMoves(world, role));
  side.devices.forEach((device, index) => {
    const bound = session.devices[index];
    const told = bound !== undefined && bound.incarnation !== incarnation(device.incarnation) && !bound.lost;
    if (told && !isTombstone(session.phase) && live.devices[index]?.op === null) {
      const event = { device: index, incarnation: incarnation(device.incarnation), state: device.state };
      const next = agentStep(world, role, { kind: 'incarnationChanged', ...event }).world;
      moves.push({ label: `${role}: device ${index} is seen to be another incarnation`, world: next });
    }
  });
  return [...moves, ...agentFaults(world, role)];
}

function finishOp(world: World, role: Role, index: number): Move[] {
  const side = world[role];
  const op = side.agent?.live.devices[index]?.op;
  const device = side.devices[index];
  if (op === null || op === undefined || device === undefined) return [];
  const bound = side.agent?.session.devices[index];
  const moves: Move[] = [];
  const name = `${role}: device ${index}`;
  if (op.kind === 'reset') {
    const change = { state: 'Running' as const, incarnation: device.incarnation + 1, contents: null };
    const reset = { ...world, [role]: withDevice(side, index, change) };
    const event = { kind: 'resetDone' as const, device: index, state: 'Running' as const };
    const fresh = incarnation(change.incarnation);
    moves.push({
      label: `${name} was reset`,
      world: agentStep(reset, role, { ...event, incarnation: fresh, failure: null }).world,
    });
    const fails = spend(world, 'resetFails');
    if (fails !== null) {
      const result = { ...event, state: device.state, incarnation: incarnation(device.incarnation) };
      const next = agentStep(fails, role, { ...result, failure: failure('ResetFailed') }).world;
      moves.push({ label: `${name} fails to reset`, world: next });
    }
    return moves;
  }
  // The broker was restarted under the call: the device is another one and the call fails.
  const stale = bound?.incarnation !== incarnation(device.incarnation);
  const illegal = stale || device.state === 'Error';
  if (!illegal) {
    const moved = { ...world, [role]: walked(world, role, index, op.to) };
    const event = { kind: 'arcDone' as const, device: index, state: op.to, failure: null };
    moves.push({ label: `${name} is ${op.to}`, world: agentStep(moved, role, event).world });
  }
  const refused = illegal ? world : spend(world, 'arcRefused');
  if (refused !== null) {
    const event = {
      kind: 'arcDone' as const,
      device: index,
      state: device.state,
      failure: failure('ArcFailed'),
    };
    moves.push({ label: `${name} refuses ${op.to}`, world: agentStep(refused, role, event).world });
  }
  const broken = illegal ? null : spend(world, 'deviceError');
  if (broken !== null) {
    const change = withDevice(broken[role], index, { state: 'Error', contents: null });
    const event = {
      kind: 'arcDone' as const,
      device: index,
      state: 'Error' as const,
      failure: failure('DeviceError'),
    };
    moves.push({
      label: `${name} goes to Error`,
      world: agentStep({ ...broken, [role]: change }, role, event).world,
    });
  }
  return moves;
}

/** What an arc does to a device: leaving Resuming takes the loaded copy in, starting again begins a new epoch. */
function walked(world: World, role: Role, index: number, to: KnownState): Side {
  const side = world[role];
  const device = side.devices[index];
  if (device === undefined) throw new RangeError(`no device ${index}`);
  if (device.state === 'Resuming' && to === 'Stop') {
    return withDevice(side, index, {
      state: to,
      contents: side.arrived === null ? null : { epoch: side.arrived.epoch },
    });
  }
  const restarts = !RUNS.has(device.state) && RUNS.has(to) && device.contents !== null && role === 'source';
  const contents = restarts ? { epoch: (device.contents?.epoch ?? 0) + 1 } : device.contents;
  return withDevice(side, index, { state: to, contents });
}

function finishWorkloadOp(world: World, role: Role): Move {
  const op = world[role].agent?.live.workloadOp ?? 'thaw';
  const state = op === 'freeze' ? 'frozen' : op === 'thaw' ? 'running' : 'discarded';
  const done = withSide(world, role, { workload: state });
  const next = agentStep(done, role, { kind: 'workloadDone', op, state, failure: null }).world;
  return { label: `${role}: workload is ${state}`, world: next };
}

/** Streams are one step each way: everything arrives at the target, then the source hears that it did. */
function streamMoves(world: World, role: Role): Move[] {
  const source = world.source.agent;
  const target = world.target.agent;
  if (source === null || target === null) return [];
  const generation = source.live.streaming;
  const drained = source.live.draining && source.live.devices.every((device) => device.op === null);
  if (generation === 0 || !drained || target.session.generation !== generation) return [];
  const stopped = world.source.devices.every((device) => device.state === 'StopCopy');
  if (!stopped) return [];
  const moves: Move[] = [];
  const ended = (agent: typeof source): (typeof source)['live']['streams'] =>
    agent.live.streams.map((stream) => ({ ...stream, ended: true }));
  if (role === 'target' && target.session.phase === 'Loading' && target.live.streaming === generation) {
    if (world.target.arrived === null && !target.live.halted) {
      const epoch = Math.max(...world.source.devices.map((device) => device.contents?.epoch ?? -1));
      const loaded = withSide(world, 'target', { arrived: { generation, epoch } });
      const event: AgentEvent = { kind: 'streams', generation, streams: ended(target) };
      moves.push({ label: 'target: every stream arrived', world: agentStep(loaded, 'target', event).world });
      const corrupt = spend(world, 'streamCorrupt');
      if (corrupt !== null) {
        const bad: AgentEvent = { kind: 'streamFailed', generation, failure: failure('StreamCorrupt') };
        moves.push({ label: 'target: a stream is corrupt', world: agentStep(corrupt, 'target', bad).world });
      }
    }
  }
  const acknowledged =
    world.target.arrived?.generation === generation && !source.live.streams.every((s) => s.ended);
  if (role === 'source' && source.session.phase === 'Stopping' && acknowledged) {
    const event: AgentEvent = { kind: 'streams', generation, streams: ended(source) };
    moves.push({ label: 'source: every stream was taken', world: agentStep(world, 'source', event).world });
  }
  return moves;
}

function agentFaults(world: World, role: Role): Move[] {
  const side = world[role];
  const moves: Move[] = [];
  const agent = side.agent;
  if (agent === null) return moves;
  const deadline = side.quiesceArmed && agent.session.phase === 'Quiescing' ? spend(world, 'deadline') : null;
  if (deadline !== null) {
    const fired = withSide(deadline, role, { quiesceArmed: false });
    moves.push({
      label: `${role}: quiesce deadline`,
      world: agentStep(fired, role, { kind: 'quiesceDeadline' }).world,
    });
  }
  const alone = spend(world, 'operatorLost');
  if (alone !== null) {
    const next = agentStep(alone, role, { kind: 'operatorLost' }).world;
    if (next[role].agent?.session !== agent.session)
      moves.push({ label: `${role}: operator lost`, world: next });
  }
  const crash = spend(world, 'agentCrash');
  if (crash !== null) moves.push(...crashes(crash, role));
  // A device that no session binds is not this migration's to lose.
  const broker = bindsDevices(agent.session.phase) ? spend(world, 'brokerRestart') : null;
  if (broker !== null) {
    const devices = side.devices.map((device) => ({
      state: 'Running' as const,
      incarnation: device.incarnation + 1,
      contents: null,
    }));
    moves.push({ label: `${role}: broker restarted`, world: withSide(broker, role, { devices }) });
  }
  return moves;
}

/** The process dies and is started again. A call that was out was carried out, or was not. */
function crashes(world: World, role: Role): Move[] {
  const moves: Move[] = [];
  const ops = world[role].agent?.live.devices.map((device) => device.op) ?? [];
  const out = ops.flatMap((op, index) => (op === null ? [] : [index]));
  for (let mask = 0; mask < 1 << out.length; mask += 1) {
    let side = world[role];
    out.forEach((index, bit) => {
      const op = ops[index];
      const device = side.devices[index];
      if ((mask & (1 << bit)) === 0 || op === null || op === undefined || device === undefined) return;
      const same = side.agent?.session.devices[index]?.incarnation === incarnation(device.incarnation);
      if (op.kind === 'reset') {
        side = withDevice(side, index, {
          state: 'Running',
          incarnation: device.incarnation + 1,
          contents: null,
        });
      } else if (same && device.state !== 'Error') {
        side = walked({ ...world, [role]: side }, role, index, op.to);
      }
    });
    const before = { ...world, [role]: { ...side, quiesceArmed: false } };
    const next = agentStep(before, role, { kind: 'restarted', observed: observe(before, role) }).world;
    moves.push({ label: `${role}: agent killed and restarted (${mask} of its calls done)`, world: next });
  }
  return moves;
}
