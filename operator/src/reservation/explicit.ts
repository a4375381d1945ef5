import type { ErrorCode } from '@transship/crds';
import type { DeviceDescription, PodReference } from '@transship/node-agent/contract';
import { checkPairs } from '../core/index.ts';
import type { AgentPool, Reservation, StoredMigration } from '../reconcile/ports.ts';
import { isHeldBy, type ToldDevices, unknownOf } from '../reconcile/source-set.ts';
import { targetNodeOf } from '../reconcile/target-node.ts';

type Outcome = Awaited<ReturnType<Reservation['reserve']>>;

const MODEL = ['vendorId', 'deviceId', 'subsystemVendorId', 'subsystemId', 'revisionId'] as const;

/**
 * Finds target devices: those that the target pod holds where there is one; else by id alone, those that the manifest pairs,
 * or free ones that fit on the target node, lowest id first. What is held for one migration is not given to another before it is released. This process forgets that when it
 * ends; the target's agent is the one that binds devices, and refuses one that is bound.
 */
export class ExplicitReservation implements Reservation {
  readonly #agents: AgentPool;
  /** UIDs of migrations, by the device that is held for them. */
  readonly #held = new Map<string, string>();

  constructor(agents: AgentPool) {
    this.#agents = agents;
  }

  async reserve(
    stored: StoredMigration,
    source: readonly DeviceDescription[],
    signal: AbortSignal,
  ): Promise<Outcome> {
    if (!stored.spec.ok) return refused(stored.spec.code, stored.spec.message);
    const { value: spec } = stored.spec;
    const nodeName = targetNodeOf(spec, stored.status);
    // The manifest pairs devices of the node that it names alone.
    const wanted = nodeName === spec.target.nodeName ? spec.target.devices : undefined;
    const agent = this.#agents.agent(nodeName);
    if (agent === null) {
      return { kind: 'later', failure: failure('NodeUnknown', `no agent of node ${nodeName} is known`) };
    }
    const answer = await agent.describe([], signal);
    if (answer.kind === 'unreachable') return { kind: 'later', failure: answer.failure };
    const { uid } = stored;
    const pod = stored.status.targetPod;
    if (pod !== undefined) {
      const given = { namespace: stored.key.namespace, name: pod.name };
      return pairWithPod(uid, nodeName, source, answer, given);
    }
    return wanted === undefined
      ? pairByModel(uid, nodeName, source, this.#withoutHeld(answer.devices, uid), answer.devices)
      : (this.#heldByAnother(wanted, uid) ?? pairExplicitly(nodeName, wanted, answer.devices));
  }

  hold(uid: string, devices: readonly string[]): boolean {
    if (this.#heldByAnother(devices, uid) !== null) return false;
    this.release(uid);
    for (const id of devices) this.#held.set(id, uid);
    return true;
  }

  release(uid: string): void {
    for (const [id, holder] of this.#held) if (holder === uid) this.#held.delete(id);
  }

  #withoutHeld(offered: readonly DeviceDescription[], uid: string): readonly DeviceDescription[] {
    return offered.filter(({ id }) => (this.#held.get(id) ?? uid) === uid);
  }

  #heldByAnother(wanted: readonly string[], uid: string): Outcome | null {
    const id = wanted.find((device) => (this.#held.get(device) ?? uid) !== uid);
    if (id === undefined) return null;
    return refused('DeviceBusy', `${id} is to be used by the migration with UID ${this.#held.get(id)}`, id);
  }
}

/** Whether the devices fit is for preflight to say, which looks at both sides. */
function pairExplicitly(
  nodeName: string,
  wanted: readonly string[],
  offered: readonly DeviceDescription[],
): Outcome {
  const byId = new Map(offered.map((device) => [device.id, device]));
  const devices: DeviceDescription[] = [];
  for (const id of wanted) {
    const device = byId.get(id);
    if (device === undefined) return refused('DeviceNotFound', `node ${nodeName} has no device ${id}`, id);
    devices.push(device);
  }
  return { kind: 'reserved', nodeName, devices, described: offered };
}

/**
 * The target pod holds the devices: the kubelet has given it just these, and there are no others for the set. It knows pods
 * by name alone; which pod is meant, the reconciler watches by the UID on record.
 */
function pairWithPod(
  uid: string,
  nodeName: string,
  source: readonly DeviceDescription[],
  told: ToldDevices,
  pod: PodReference,
): Outcome {
  const unknown = unknownOf(pod, told.podResources);
  if (unknown !== null) return { kind: 'refused', failure: unknown };
  const given = told.devices.filter(isHeldBy(pod));
  if (given.length === 0) {
    const why = told.podResources?.message ?? '';
    const message = `target pod ${pod.name} holds no device on ${nodeName}${why === '' ? '' : `: ${why}`}`;
    return { kind: 'later', failure: failure('NodeUnknown', message) };
  }
  if (given.length !== source.length) {
    const message = `target pod ${pod.name} was given ${given.length} devices on ${nodeName}, the source pod has ${source.length}`;
    return refused('PairingImpossible', message);
  }
  return pairByModel(uid, nodeName, source, given, told.devices);
}

/** `described`: every device of the node, those among them that are not offered too. */
function pairByModel(
  uid: string,
  nodeName: string,
  source: readonly DeviceDescription[],
  offered: readonly DeviceDescription[],
  described: readonly DeviceDescription[],
): Outcome {
  const free = offered.filter((device) => isFree(device, uid)).toSorted(byPreference);
  const together = pairInOneWorkload(source, free, described);
  if (together !== null) return { kind: 'reserved', nodeName, devices: together, described };
  const devices: DeviceDescription[] = [];
  for (const [index, device] of source.entries()) {
    const taken = take(free, device, source.length > 1);
    if (taken === undefined) {
      const short = `${source.length - index} of ${source.length} source devices, ${device.id} first, find none of their model`;
      const silent = described.find(({ health }) => health === 'Unreachable');
      if (silent !== undefined) {
        // Nobody knows what it is; it may be one of those that are missing.
        const message = `${silent.id} does not answer, and without it node ${nodeName} has too few free devices`;
        return { kind: 'later', failure: failure('DeviceUnreachable', message, silent.id) };
      }
      return refused('PairingImpossible', `node ${nodeName} has too few free devices: ${short}`, device.id);
    }
    devices.push(taken);
  }
  return { kind: 'reserved', nodeName, devices, described };
}

/**
 * The workload that comes in is one, so its devices are all those of one workload of the target where these are named:
 * two that come in must not share one.
 */
function pairInOneWorkload(
  source: readonly DeviceDescription[],
  free: readonly DeviceDescription[],
  described: readonly DeviceDescription[],
): DeviceDescription[] | null {
  for (const workload of new Set(free.map((device) => device.workload))) {
    const all = described.filter((device) => device.workload === workload).length;
    if (workload !== '' && all !== source.length) continue;
    const candidates = free.filter((device) => device.workload === workload);
    const taken = source.map((device) => takeFitting(candidates, device, source.length > 1));
    if (taken.every((device) => device !== undefined)) return taken;
  }
  return null;
}

/** One that fits in every respect; else one of the model alone, of which preflight says what is wrong with it. */
function take(
  free: DeviceDescription[],
  device: DeviceDescription,
  hasPeers: boolean,
): DeviceDescription | undefined {
  const fitting = takeFitting(free, device, hasPeers);
  if (fitting !== undefined) return fitting;
  const sameModel = free.findIndex((candidate) => MODEL.every((field) => candidate[field] === device[field]));
  return sameModel < 0 ? undefined : free.splice(sameModel, 1)[0];
}

function takeFitting(
  free: DeviceDescription[],
  device: DeviceDescription,
  hasPeers: boolean,
): DeviceDescription | undefined {
  const index = free.findIndex(
    (candidate) => (candidate.p2p || !hasPeers) && checkPairs([device], [candidate]) === null,
  );
  return index < 0 ? undefined : free.splice(index, 1)[0];
}

/** A device that this migration bound before (the operator was restarted in between) is still its own. */
function isFree({ health, notMigratable, migrationUid, state }: DeviceDescription, uid: string): boolean {
  if (migrationUid !== '') return migrationUid === uid;
  return health === 'Healthy' && notMigratable === '' && state === 'Running';
}

/** Bound ones first; then by id, numbers as numbers, so that `gpu-b/2` comes before `gpu-b/10`. */
function byPreference(a: DeviceDescription, b: DeviceDescription): number {
  const bound = Number(b.migrationUid !== '') - Number(a.migrationUid !== '');
  return bound !== 0 ? bound : a.id.localeCompare(b.id, 'en', { numeric: true });
}

function failure(code: ErrorCode, message: string, device: string | null = null) {
  return { code, message, device };
}

function refused(code: ErrorCode, message: string, device: string | null = null): Outcome {
  return { kind: 'refused', failure: failure(code, message, device) };
}
