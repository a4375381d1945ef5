import type { KnownState, Role } from '@transship/node-agent/core';
import { agentStep, failure, incarnation } from './agent-moves.ts';
import type { Variant } from './variant.ts';
import { blank, withDevice, type Fault, type Move, type Side } from './world.ts';

const RUNS: ReadonlySet<KnownState> = new Set<KnownState>(['Running', 'RunningP2P', 'PreCopy', 'PreCopyP2P']);

/** A call that is out on a device returns: done, refused, or with the device in another state than was asked for. */
export function finishOp(role: Role, side: Side, index: number, variant: Variant): Move[] {
  const op = side.agent?.live.devices[index]?.op;
  const device = side.devices[index];
  if (op === null || op === undefined || device === undefined) return [];
  const name = `${role}: device ${index}`;
  const returns = (
    label: string,
    fault: Fault | null,
    after: Side,
    state: KnownState,
    code: string | null,
  ): Move => {
    const why = code === null ? null : failure(code);
    const event =
      op.kind === 'arc'
        ? ({ kind: 'arcDone', device: index, state, failure: why } as const)
        : ({
            kind: 'resetDone',
            device: index,
            state,
            incarnation: incarnation(after.devices[index]?.incarnation ?? 0),
            failure: why,
          } as const);
    return { label: `${name} ${label}`, fault, to: { [role]: agentStep(after, event, variant).side } };
  };
  if (device.silent) return [returns('does not answer the call', null, side, 'Unknown', 'DeviceUnreachable')];
  if (op.kind === 'reset') {
    return [
      returns('was reset', null, blank(side, index), 'Running', null),
      returns('fails to reset', 'resetFails', side, device.state, 'ResetFailed'),
    ];
  }
  // Opened anew under the call: it is another device, and the call fails. In Error it takes no arc.
  const bound = side.agent?.session.devices[index];
  const illegal = bound?.incarnation !== incarnation(device.incarnation) || device.state === 'Error';
  if (illegal) return [returns(`cannot go to ${op.to}`, null, side, device.state, 'ArcFailed')];
  const broken = withDevice(side, index, { state: 'Error', contents: null });
  return [
    returns(`is ${op.to}`, null, walked(side, role, index, op.to), op.to, null),
    returns(`refuses ${op.to}`, 'arcRefused', side, device.state, 'ArcFailed'),
    returns(`goes to ERROR instead of ${op.to}`, 'deviceError', broken, 'Error', 'DeviceError'),
  ];
}

/** What an arc does to a device: leaving Resuming takes the loaded copy in, starting again begins a new epoch. */
export function walked(side: Side, role: Role, index: number, to: KnownState): Side {
  const device = side.devices[index];
  if (device === undefined) throw new RangeError(`no device ${index}`);
  if (device.state === 'Resuming' && to === 'Stop') {
    const { arrived } = side;
    const contents = arrived === null ? null : { epoch: arrived.epoch, flawed: arrived.flawed };
    return withDevice(side, index, { state: to, contents });
  }
  const restarts = !RUNS.has(device.state) && RUNS.has(to) && device.contents !== null && role === 'source';
  const contents =
    restarts && device.contents !== null
      ? { ...device.contents, epoch: device.contents.epoch + 1 }
      : device.contents;
  return withDevice(side, index, { state: to, contents });
}
