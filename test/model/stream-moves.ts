import type { AgentEvent, AgentState, Role, StreamProgress } from '@transship/node-agent/core';
import { agentStep, failure } from './agent-moves.ts';
import type { Variant } from './variant.ts';
import type { Fault, Move, Side } from './world.ts';

/** What every stream amounts to: one segment, or two where one arrived twice. */
const ended = ({ live }: AgentState, segments: number): StreamProgress[] =>
  live.streams.map((stream) => ({ ...stream, ended: true, totals: { ...stream.totals, segments } }));

/** Streams are one step each way: everything arrives at the target, then the source hears that it did. */
export function streamMoves(source: Side, target: Side, variant: Variant): Move[] {
  const from = source.agent;
  const into = target.agent;
  if (from === null || into === null) return [];
  const moves: Move[] = [];
  const tell = (label: string, role: Role, fault: Fault | null, side: Side, event: AgentEvent): number =>
    moves.push({ label: `${role}: ${label}`, fault, to: { [role]: agentStep(side, event, variant).side } });
  const generation = from.live.streaming;
  if (sends(source) && loads(target) && into.session.generation === generation) {
    const fits =
      target.workload === 'frozen' && target.devices.every((device) => device.state === 'Resuming');
    if (!fits) {
      const lost: AgentEvent = { kind: 'streamFailed', generation, failure: failure('StreamFailed') };
      tell('a stream finds nobody to take it', 'target', null, target, lost);
      return moves;
    }
    const epoch = Math.max(...source.devices.map((device) => device.contents?.epoch ?? -1));
    const whole: Side = { ...target, whole: true, arrived: { generation, epoch, flawed: false } };
    const all: AgentEvent = { kind: 'streams', generation, streams: ended(into, 1) };
    tell('every stream has arrived', 'target', null, whole, all);
    const twice: Side = { ...target, whole: true, arrived: { generation, epoch, flawed: true } };
    const more: AgentEvent = { kind: 'streams', generation, streams: ended(into, 2) };
    tell(
      'a stream is resumed too early: every stream has arrived, one segment twice',
      'target',
      'replayed',
      twice,
      more,
    );
    const bad: AgentEvent = { kind: 'streamFailed', generation, failure: failure('StreamCorrupt') };
    tell('a stream is corrupt', 'target', 'streamCorrupt', target, bad);
  }
  const isTaken =
    target.arrived?.generation === generation && !from.live.streams.every((stream) => stream.ended);
  if (sends(source) && from.session.phase === 'Stopping' && isTaken) {
    const event: AgentEvent = { kind: 'streams', generation, streams: ended(from, 1) };
    tell('every stream was taken', 'source', null, source, event);
  }
  return moves;
}

/** News of the streams of an older generation, which were under way while a new one began. */
export function staleNews(role: Role, side: Side, variant: Variant): Move[] {
  const { agent } = side;
  if (agent === null || agent.session.generation < 2 || agent.live.streaming === 0) return [];
  if (agent.live.streams.every((stream) => stream.ended)) return [];
  const generation = agent.session.generation - 1;
  const event: AgentEvent = { kind: 'streams', generation, streams: ended(agent, 1) };
  const to = { [role]: agentStep(side, event, variant).side };
  return [
    { label: `${role}: news of the streams of generation ${generation} come late`, fault: 'staleNews', to },
  ];
}

/** Drains to the true end: every device stands still. */
export const sends = ({ agent, devices }: Side): boolean =>
  agent !== null &&
  agent.live.streaming !== 0 &&
  agent.live.draining &&
  agent.live.devices.every((device) => device.op === null) &&
  devices.every((device) => device.state === 'StopCopy' && !device.silent);

export const loads = ({ agent, arrived, devices }: Side): boolean =>
  agent !== null &&
  agent.session.phase === 'Loading' &&
  agent.live.streaming === agent.session.generation &&
  arrived === null &&
  !agent.live.halted &&
  devices.every((device) => !device.silent);
