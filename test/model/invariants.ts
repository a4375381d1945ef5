import { initiatesDma, takesDma, type KnownState } from '@transship/node-agent/core';
import type { Side, World } from './world.ts';

const RUNNING: ReadonlySet<KnownState> = new Set<KnownState>([
  'Running',
  'RunningP2P',
  'PreCopy',
  'PreCopyP2P',
]);

/** Devices of a side that hold the workload's state. */
const holding = (side: Side): Side['devices'] => side.devices.filter((device) => device.contents !== null);
const runs = (side: Side): boolean => holding(side).some((device) => RUNNING.has(device.state));

/** The five invariants of the design; the sentence that is broken, or null. */
export function violated(world: World): string | null {
  return (
    oneSideRuns(world) ??
    barriers('source', world.source) ??
    barriers('target', world.target) ??
    nothingLost(world) ??
    errorsAndQuarantine(world) ??
    (world.api.ended ? endsWell(world) : null)
  );
}

/** 1: at no time do source and target both run with the workload's state. */
function oneSideRuns({ source, target }: World): string | null {
  if (runs(source) && runs(target)) return '1: devices run on both sides';
  if (source.workload === 'running' && target.workload === 'running') return '1: workloads run on both sides';
  if (target.workload === 'running' && runs(source))
    return '1: workload runs at the target, devices at the source';
  return null;
}

/** 3: none is stopped before all are quiesced; none goes Running before all are RunningP2P. */
function barriers(name: string, side: Side): string | null {
  const set = holding(side);
  const starts = set.some((device) => initiatesDma(device.state));
  const refuses = set.some((device) => !takesDma(device.state) && device.state !== 'Error');
  return starts && refuses ? `3: a ${name} device starts DMA while a peer of it is stopped` : null;
}

/** 4: what runs at the target is the living state, whole. */
function nothingLost({ source, target }: World): string | null {
  const phase = target.agent?.session.phase;
  if (phase === 'Active' || target.workload === 'running') {
    const blank = target.devices.some((device) => device.contents === null);
    const told = target.agent?.session.devices.some((device) => device.lost) ?? false;
    if (blank && !told && phase === 'Active' && !lostAfterwards(target))
      return '4: the target is active with a blank device';
  }
  if (!runs(target)) return null;
  const living = Math.max(...source.devices.map((device) => device.contents?.epoch ?? -1));
  const old = target.devices.some((device) => device.contents !== null && device.contents.epoch < living);
  return old ? '4: the target runs an old copy' : null;
}

/** A device that was whole when the set became active and was reset by a fault later. */
const lostAfterwards = (side: Side): boolean =>
  side.devices.every((device, index) => {
    const bound = side.agent?.session.devices[index];
    return device.contents !== null || bound?.incarnation !== String(device.incarnation);
  });

/** 5: only RESET leaves ERROR (the world refuses arcs there), and a failed RESET is never handed out. */
function errorsAndQuarantine({ source, target }: World): string | null {
  for (const side of [source, target]) {
    const session = side.agent?.session;
    if (session?.phase === 'Active' && session.devices.some((device) => device.quarantined)) {
      return '5: a quarantined device was handed out';
    }
    const wrong = session?.devices.some(
      (bound, index) => bound.quarantined && side.devices[index]?.state === 'Running' && bound.lost === false,
    );
    if (wrong === true) return '5: a quarantined device counts as whole';
  }
  return null;
}

/** 2: it ends with the set on exactly one side, or says which device is lost. */
function endsWell(world: World): string | null {
  const { source, target, api } = world;
  const { phase, code } = api.outcome ?? { phase: 'none', code: null };
  const whole = (side: Side): boolean =>
    side.devices.every(
      (device, index) =>
        (device.contents !== null && device.state === 'Running') ||
        deviceLost(side, index) ||
        resetByFault(side, index),
    ) && side.workload === 'running';
  if (phase === 'Succeeded') {
    if (!whole(target)) return '2: succeeded, and the set does not run at the target';
    const kept = source.devices.some((device, index) => device.contents !== null && !withheld(source, index));
    if (kept) return '2: succeeded, and a source device still holds the state';
    return null;
  }
  if (code === 'TargetLost')
    return runs(source) ? '2: the target is lost and the source runs without a record' : null;
  if (source.agent?.session.phase === 'Quiescing')
    return '2: the set is being quiesced after the object has ended';
  if (!whole(source)) return `2: ${phase}, and the set does not run at the source`;
  const silent = source.devices.some(
    (device, index) => device.contents === null && deviceLost(source, index),
  );
  if (silent && phase !== 'Failed') return `2: ${phase}, and a lost device is not reported`;
  return null;
}

const withheld = (side: Side, index: number): boolean =>
  side.agent?.session.devices[index]?.quarantined ?? false;

const deviceLost = (side: Side, index: number): boolean => side.agent?.session.devices[index]?.lost ?? false;

/** The broker was restarted and the agent has not been told yet. */
const resetByFault = (side: Side, index: number): boolean => {
  const bound = side.agent?.session.devices[index];
  const device = side.devices[index];
  return (
    device?.contents === null &&
    device.state === 'Running' &&
    bound?.incarnation !== String(device.incarnation)
  );
};
