import { fail } from './draft.ts';
import type { Observation } from './effects.ts';
import type { BoundDevice, Failure, Live } from './session.ts';
import { streamsOfSet } from './stream.ts';

/**
 * May these devices be bound to a migration? The operator's preflight has asked the same before; the agent
 * asks again because it alone sees the devices at this moment.
 */
export function cannotBind(ids: readonly string[], observed: Observation): Failure | null {
  if (ids.length === 0) return fail('NoDevices', 'the set names no device');
  if (new Set(ids).size !== ids.length) return fail('DuplicateDevice', 'the set names a device twice');
  for (const id of ids) {
    const device = observed.devices.find((candidate) => candidate.id === id);
    if (device === undefined) return fail('DeviceNotFound', `this node has no device ${id}`, id);
    if (device.unfit !== null) return device.unfit;
    if (device.boundBy !== null)
      return fail('DeviceBusy', `${id} belongs to migration ${device.boundBy}`, id);
    if (device.quarantined) return fail('DeviceNotMigratable', `${id} is in quarantine`, id);
    if (!device.resetSupported)
      return fail('ResetUnsupported', `${id} does not support VFIO_DEVICE_RESET`, id);
    if (ids.length > 1 && !device.p2p) {
      return fail(
        'NoPeerToPeerQuiesce',
        `${id} cannot stop its DMA alone, so it cannot be part of a set`,
        id,
      );
    }
    // The default state is exactly RUNNING (V1-14): anything else is somebody's unfinished work.
    if (device.state !== 'Running')
      return fail('DeviceNotRunning', `${id} is ${device.state}, not Running`, id);
  }
  return null;
}

/**
 * A workload moves with all its devices or not at all: one that stayed behind would go on with half of its peers, and
 * its workload would be frozen and ended beneath it.
 */
export function leavesOut(ids: readonly string[], observed: Observation): Failure | null {
  const missing = observed.workloadDevices.filter((id) => !ids.includes(id));
  const [first] = missing;
  if (first === undefined) return null;
  return fail('SetIncomplete', `the workload of this set also drives ${missing.join(', ')}`, first);
}

export function bindDevices(ids: readonly string[], observed: Observation): BoundDevice[] {
  return ids.map((id) => {
    const device = observed.devices.find((candidate) => candidate.id === id);
    if (device === undefined) throw new RangeError(`device ${id} was not observed`);
    const { incarnation, protocol, p2p, preCopy, externals } = device;
    return { id, incarnation, protocol, p2p, preCopy, externals, lost: false, quarantined: false };
  });
}

/** The volatile half of a session, from an observation; also what an agent knows after a restart. */
export function freshLive(devices: readonly BoundDevice[], observed: Observation): Live {
  return {
    devices: devices.map((bound) => ({
      state: observed.devices.find((device) => device.id === bound.id)?.state ?? 'Unknown',
      op: null,
      savingGeneration: 0,
      cleared: false,
    })),
    workload: observed.workload,
    workloadOp: null,
    streaming: 0,
    draining: false,
    streams: noStreams(devices.length),
    waitOnTimeout: false,
    lostGeneration: 0,
    halted: false,
  };
}

/** Streams of a generation of which nothing has moved yet. */
export function noStreams(devices: number): Live['streams'] {
  return streamsOfSet(devices).map((id) => ({
    totals: { ...id, bytes: 0, segments: 0, crc32c: 0 },
    ended: false,
    pendingBytes: 0,
    // Nobody has asked the device yet.
    initialPending: id.kind === 'device',
    stopCopyBytes: 0,
  }));
}
