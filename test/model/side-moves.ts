import { bindsDevices, isTombstone, type AgentEvent, type Role } from '@transship/node-agent/core';
import { agentStep, incarnation, observe } from './agent-moves.ts';
import { finishOp, walked } from './device-moves.ts';
import type { Variant } from './variant.ts';
import { workloadMoves } from './workload-moves.ts';
import { blank, withDevice, type Fault, type Move, type Side } from './world.ts';

/** Everything that can happen on one node by itself. */
export function sideMoves(role: Role, side: Side, variant: Variant): Move[] {
  const moves: Move[] = [...neighbours(role, side)];
  const { agent } = side;
  if (agent === null) return moves;
  const { live, session } = agent;
  live.devices.forEach((device, index) => {
    if (device.op !== null) moves.push(...finishOp(role, side, index, variant));
  });
  moves.push(...workloadMoves(role, side, variant), ...news(role, side, variant));
  const event = (label: string, fault: Fault | null, what: AgentEvent, before = side): void => {
    moves.push({ label: `${role}: ${label}`, fault, to: { [role]: agentStep(before, what, variant).side } });
  };
  if (side.quiesceArmed && session.phase === 'Quiescing') {
    event(
      'the quiesce deadline passes',
      'deadline',
      { kind: 'quiesceDeadline' },
      { ...side, quiesceArmed: false },
    );
  }
  if (!isTombstone(session.phase)) {
    event('the agent has not heard of an operator for too long', 'operatorLost', { kind: 'operatorLost' });
  }
  live.devices.forEach(({ op }, index) => {
    if (op === null || op.overdue) return;
    event(`a call to device ${index} outlives its deadline`, 'stuck', { kind: 'overdue', device: index });
  });
  moves.push(...crashes(role, side, variant));
  // A device that no session binds is not this migration's to lose.
  if (bindsDevices(session.phase)) moves.push(...misfortunes(role, side, variant));
  return moves;
}

/** What the agent's watch over idle devices finds. */
function news(role: Role, side: Side, variant: Variant): Move[] {
  const { agent } = side;
  if (agent === null || !bindsDevices(agent.session.phase)) return [];
  return side.devices.flatMap((device, index): Move[] => {
    const bound = agent.session.devices[index];
    const isIdle = (agent.live.devices[index]?.op ?? null) === null;
    const isOther =
      !device.silent && bound?.incarnation !== incarnation(device.incarnation) && bound?.lost === false;
    if (!isIdle || !isOther) return [];
    const label = `${role}: device ${index} is seen to be another incarnation`;
    return [{ label, fault: null, to: { [role]: noticed(side, index, variant) } }];
  });
}

/** The agent hears of what a device is now. One that went is not another one: that is seen when it comes back. */
function noticed(side: Side, index: number, variant: Variant): Side {
  const device = side.devices[index];
  const bound = side.agent?.session.devices[index];
  const isIdle = side.agent?.live.devices[index]?.op === null;
  if (device === undefined || bound === undefined || !isIdle) return side;
  const now = incarnation(device.incarnation);
  const { silent } = device;
  const event = { kind: 'incarnationChanged', device: index } as const;
  const told = silent
    ? ({ ...event, state: 'Unknown', incarnation: bound.incarnation } as const)
    : ({ ...event, state: device.state, incarnation: now } as const);
  return agentStep(side, told, variant).side;
}

/** What befalls devices that the session holds. That a device went or came is seen at once: nothing is done with it meanwhile. */
function misfortunes(role: Role, side: Side, variant: Variant): Move[] {
  const moves: Move[] = [];
  const to = (label: string, fault: Fault | null, next: Side): number =>
    moves.push({ label: `${role}: ${label}`, fault, to: { [role]: next } });
  const reopened = side.devices.reduce((all, _, index) => blank(all, index), side);
  to('the devices are opened anew', 'brokerRestart', reopened);
  side.devices.forEach((device, index) => {
    if (device.silent) {
      const back = withDevice(side, index, { silent: false });
      to(`device ${index} answers again`, null, noticed(back, index, variant));
      to(
        `device ${index} answers again, as another incarnation`,
        null,
        noticed(blank(back, index), index, variant),
      );
    } else {
      const gone = withDevice(side, index, { silent: true });
      to(`device ${index} answers nobody`, 'deviceSilent', noticed(gone, index, variant));
    }
  });
  return moves;
}

/** Another migration on the same node: it may bind what this one does not hold, works with it, and lets it go. */
function neighbours(role: Role, side: Side): Move[] {
  const held = side.agent !== null && bindsDevices(side.agent.session.phase);
  return side.devices.flatMap((device, index): Move[] => {
    if (device.other) {
      const free = withDevice(side, index, { other: false });
      return [
        { label: `${role}: the other migration lets device ${index} go`, fault: null, to: { [role]: free } },
      ];
    }
    if (held || device.withheld || device.state !== 'Running') return [];
    const taken = withDevice(side, index, { other: true });
    return [
      {
        label: `${role}: another migration binds device ${index}`,
        fault: 'otherBinds',
        to: { [role]: taken },
      },
    ];
  });
}

/** The process dies and is started again. A call that was out was carried out, or was not. */
function crashes(role: Role, side: Side, variant: Variant): Move[] {
  const moves: Move[] = [];
  const ops = side.agent?.live.devices.map((device) => device.op) ?? [];
  const out = ops.flatMap((op, index) => (op === null ? [] : [index]));
  for (let mask = 0; mask < 1 << out.length; mask += 1) {
    let died: Side = { ...side, quiesceArmed: false };
    out.forEach((index, bit) => {
      const op = ops[index];
      const device = side.devices[index];
      if ((mask & (1 << bit)) === 0 || op === null || op === undefined || device === undefined) return;
      if (device.silent) return;
      const same = side.agent?.session.devices[index]?.incarnation === incarnation(device.incarnation);
      if (op.kind === 'reset') died = blank(died, index);
      else if (same && device.state !== 'Error') died = walked(died, role, index, op.to);
    });
    const done =
      out.length === 0 ? '' : ` (of ${out.length} calls that were out, done: ${doneOf(out, mask)})`;
    const event: AgentEvent = { kind: 'restarted', observed: observe(died, role) };
    moves.push({
      label: `${role}: the agent is killed and restarted${done}`,
      fault: 'agentCrash',
      to: { [role]: agentStep(died, event, variant).side },
    });
    if (!side.journalLost) {
      moves.push({
        label: `${role}: the agent is killed and its journal is gone${done}`,
        fault: 'journalLost',
        to: { [role]: withoutJournal(died) },
      });
    }
  }
  return moves;
}

const doneOf = (out: readonly number[], mask: number): string =>
  out
    .filter((_, bit) => (mask & (1 << bit)) !== 0)
    .map((index) => `device ${index}`)
    .join(', ') || 'none';

/** A device that is not Running and that no journal explains is withheld and never reset. */
const withoutJournal = (side: Side): Side => ({
  ...side,
  agent: null,
  journalLost: true,
  arrived: null,
  devices: side.devices.map((device) => ({
    ...device,
    withheld: device.withheld || device.state !== 'Running',
  })),
});
