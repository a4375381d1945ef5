import type { ErrorCode } from '@transship/crds';
import type { DeviceDescription } from '@transship/node-agent/contract';
import type { AgentPool, Reservation, StoredMigration } from '../reconcile/ports.ts';

type Outcome = Awaited<ReturnType<Reservation['reserve']>>;

const MODEL = ['vendorId', 'deviceId', 'subsystemVendorId', 'subsystemId', 'revisionId'] as const;

/**
 * Finds target devices by id alone: those that the manifest pairs, or free ones of equal model on the target node, lowest
 * id first. Nothing is held by this: the target's agent binds the devices when it prepares, and refuses one that another
 * migration took in between.
 */
export class ExplicitReservation implements Reservation {
  readonly #agents: AgentPool;

  constructor(agents: AgentPool) {
    this.#agents = agents;
  }

  async reserve(
    stored: StoredMigration,
    source: readonly DeviceDescription[],
    signal: AbortSignal,
  ): Promise<Outcome> {
    if (!stored.spec.ok) return refused(stored.spec.code, stored.spec.message);
    const { nodeName, devices: wanted } = stored.spec.value.target;
    const agent = this.#agents.agent(nodeName);
    if (agent === null) {
      return { kind: 'later', failure: failure('NodeUnknown', `no agent of node ${nodeName} is known`) };
    }
    const answer = await agent.describe([], signal);
    if (answer.kind === 'unreachable') return { kind: 'later', failure: answer.failure };
    if (wanted !== undefined) return pairExplicitly(nodeName, wanted, answer.devices);
    return pairByModel(stored.uid, nodeName, source, answer.devices);
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
  return { kind: 'reserved', nodeName, devices };
}

function pairByModel(
  uid: string,
  nodeName: string,
  source: readonly DeviceDescription[],
  offered: readonly DeviceDescription[],
): Outcome {
  const free = offered.filter((device) => isFree(device, uid)).toSorted(byId);
  const devices: DeviceDescription[] = [];
  for (const [index, device] of source.entries()) {
    const match = free.findIndex((candidate) => MODEL.every((field) => candidate[field] === device[field]));
    const [taken] = match < 0 ? [] : free.splice(match, 1);
    if (taken === undefined) {
      const need = `${source.length - index} more of the model of ${device.id}`;
      return refused(
        'PairingImpossible',
        `node ${nodeName} has too few free devices: ${need} or others`,
        device.id,
      );
    }
    devices.push(taken);
  }
  return { kind: 'reserved', nodeName, devices };
}

/** A device that this migration bound before (the operator was restarted in between) is still its own. */
function isFree({ health, notMigratable, migrationUid, state }: DeviceDescription, uid: string): boolean {
  if (migrationUid !== '') return migrationUid === uid;
  return health === 'Healthy' && notMigratable === '' && state === 'Running';
}

/** By number where ids hold numbers, so that `gpu-b/2` comes before `gpu-b/10`. */
function byId(a: DeviceDescription, b: DeviceDescription): number {
  return a.id.localeCompare(b.id, 'en', { numeric: true });
}

function failure(code: ErrorCode, message: string, device: string | null = null) {
  return { code, message, device };
}

function refused(code: ErrorCode, message: string, device: string | null = null): Outcome {
  return { kind: 'refused', failure: failure(code, message, device) };
}
