import {
  bindsDevices,
  initiatesDma,
  takesDma,
  type KnownState,
  type Phase,
} from '@transship/node-agent/core';
import type { Device, Record_, Side } from './world.ts';

const RUNNING: ReadonlySet<KnownState> = new Set<KnownState>([
  'Running',
  'RunningP2P',
  'PreCopy',
  'PreCopyP2P',
]);

/** What the invariants look at of one side, and nothing else. */
export interface Shown {
  readonly phase: Phase | null;
  readonly workload: Side['workload'];
  readonly whole: boolean;
  readonly journalLost: boolean;
  readonly devices: readonly ShownDevice[];
}

interface ShownDevice extends Pick<Device, 'state' | 'contents' | 'withheld' | 'other'> {
  readonly lost: boolean;
  readonly quarantined: boolean;
  /** It is the incarnation that the session knows. */
  readonly same: boolean;
  readonly operated: boolean;
}

export const shown = ({ agent, devices, workload, whole, journalLost }: Side): Shown => ({
  phase: agent?.session.phase ?? null,
  workload,
  whole,
  journalLost,
  devices: devices.map(({ state, contents, withheld, other, incarnation }, index) => {
    const bound = agent?.session.devices[index];
    return {
      state,
      contents,
      withheld,
      other,
      lost: bound?.lost ?? false,
      quarantined: bound?.quarantined ?? false,
      same: bound?.incarnation === String(incarnation),
      operated: (agent?.live.devices[index]?.op ?? null) !== null,
    };
  }),
});

/** How the object ended; null as long as it has not. */
export type Outcome = Record_['outcome'];

/** Devices of a side that hold the workload's state. */
const holding = (side: Shown): readonly ShownDevice[] =>
  side.devices.filter((device) => device.contents !== null);
const runs = (side: Shown): boolean => holding(side).some((device) => RUNNING.has(device.state));
const works = ({ workload, whole }: Shown): boolean => workload === 'running' && whole;

/** The five invariants of the design; the sentence that is broken, or null. */
export function violated(source: Shown, target: Shown, ended: Outcome): string | null {
  return (
    oneSideRuns(source, target) ??
    barriers('source', source) ??
    barriers('target', target) ??
    nothingLost(source, target) ??
    errorsAndQuarantine([source, target]) ??
    oneMigrationADevice([source, target]) ??
    (ended === null ? null : endsWell(source, target, ended))
  );
}

/** 1: at no time do source and target both run with the workload's state. */
function oneSideRuns(source: Shown, target: Shown): string | null {
  if (runs(source) && runs(target)) return '1: devices run on both sides';
  if (works(source) && works(target)) return '1: workloads run on both sides';
  if (works(target) && runs(source)) return '1: workload runs at the target, devices at the source';
  if (works(source) && runs(target)) return '1: workload runs at the source, devices at the target';
  return null;
}

/** 3: none is stopped before all are quiesced; none goes Running before all are RunningP2P. */
function barriers(name: string, side: Shown): string | null {
  // One that could be neither walked nor RESET is out of the set: its state is lost, and everybody is told.
  const set = holding(side).filter((device) => !device.quarantined);
  const starts = set.some((device) => initiatesDma(device.state));
  const refuses = set.some((device) => !takesDma(device.state) && device.state !== 'Error');
  return starts && refuses ? `3: a ${name} device starts DMA while a peer of it is stopped` : null;
}

/** 4: what runs at the target is the living state, whole, once. */
function nothingLost(source: Shown, target: Shown): string | null {
  if (
    target.phase === 'Active' &&
    target.devices.some((device) => device.contents === null && device.same && !device.lost)
  )
    return '4: the target is active with a blank device';
  if (!runs(target)) return null;
  if (holding(target).some((device) => device.contents?.flawed === true))
    return '4: the target runs on data of which a part arrived twice';
  const living = Math.max(...source.devices.map((device) => device.contents?.epoch ?? -1));
  return holding(target).some((device) => (device.contents?.epoch ?? living) < living)
    ? '4: the target runs an old copy'
    : null;
}

/** 5: only RESET leaves ERROR (the world refuses arcs there), and a failed RESET is never handed out. */
function errorsAndQuarantine(sides: readonly Shown[]): string | null {
  for (const { phase, devices } of sides) {
    if (phase === 'Active' && devices.some((device) => device.quarantined))
      return '5: a quarantined device was handed out';
    if (devices.some((device) => device.quarantined && !device.lost))
      return '5: a quarantined device counts as whole';
  }
  return null;
}

/** A device belongs to one migration at a time: this one touches none that another one binds, or that it does not. */
function oneMigrationADevice(sides: readonly Shown[]): string | null {
  for (const { phase, devices } of sides) {
    if (phase === null) continue;
    if (devices.some((device) => device.other && bindsDevices(phase)))
      return '5: two migrations bind one device';
    if (devices.some((device) => device.operated && !bindsDevices(phase)))
      return '5: a migration works on a device that it does not bind';
  }
  return null;
}

/** A device that does not run as it should, and everybody can see why. */
const excused = (device: ShownDevice): boolean => device.lost || device.withheld || device.quarantined;
/** It was opened anew or reset by a fault, and the agent has not been told yet, or has let it go. */
const resetByFault = ({ contents, state, same }: ShownDevice): boolean =>
  contents === null && state === 'Running' && !same;

/** 2: it ends with the set on exactly one side, or says which device is lost. */
function endsWell(source: Shown, target: Shown, { phase, code }: NonNullable<Outcome>): string | null {
  const complete = (side: Shown): boolean =>
    side.devices.every(
      (device) =>
        (device.contents !== null && device.state === 'Running') || excused(device) || resetByFault(device),
    ) &&
    (side.workload === 'running' || !side.whole);
  if (phase === 'Succeeded') {
    if (!complete(target)) return '2: succeeded, and the set does not run at the target';
    const kept = holding(source).some((device) => !device.quarantined && !device.withheld);
    return kept ? '2: succeeded, and a source device still holds the state' : null;
  }
  if (code === 'TargetLost')
    return runs(source) ? '2: the target is lost and the source runs without a record' : null;
  if (source.phase === 'Quiescing') return '2: the set is being quiesced after the object has ended';
  // An agent without its journal has no tombstone either: what a late command begins there ends by itself, in time.
  const holder = [source, target].find(
    (side) => side.phase !== null && bindsDevices(side.phase) && !side.journalLost,
  );
  if (holder !== undefined)
    return `2: ${phase}, and a session that is ${holder.phase} holds devices after the object has ended`;
  if (!complete(source) && !source.journalLost) return `2: ${phase}, and the set does not run at the source`;
  const silent = source.devices.some((device) => device.contents === null && device.lost);
  return silent && phase !== 'Failed' ? `2: ${phase}, and a lost device is not reported` : null;
}
