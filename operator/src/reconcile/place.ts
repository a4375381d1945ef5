import type { DeviceDescription, Failure, Role } from '@transship/node-agent/contract';
import { checkPairs, checkSide, checkWhole, failure, type Placement } from '../core/index.ts';
import type { ReconcilerPorts, StoredMigration } from './ports.ts';
import { sourceSet } from './source-set.ts';
import { targetNodeOf } from './target-node.ts';
import type { Voyage } from './voyage.ts';

/** Agents, nodes and devices that do not answer yet are waited for this long before the migration is refused. */
const PLACEMENT_LIMIT_MS = 60_000;

type Placed =
  | { readonly kind: 'placement'; readonly placement: Placement }
  | { readonly kind: 'later'; readonly failure: Failure; readonly of: Role };

const refused = (of: Role, why: Failure): Placed => ({
  kind: 'placement',
  placement: { kind: 'refused', failure: why, of },
});

const later = (of: Role, why: Failure): Placed => ({ kind: 'later', failure: why, of });

/** A device that does not answer now may answer the next time; all else that preflight finds is as it is. */
const judged = (of: Role, why: Failure): Placed =>
  why.code === 'DeviceUnreachable' ? later(of, why) : refused(of, why);

/** Preflight and reservation: looks at both sides, touches nothing. Every refusal has its code. */
export async function place(
  ports: ReconcilerPorts,
  stored: StoredMigration,
  voyage: Voyage,
  signal: AbortSignal,
): Promise<Placed> {
  const found = await tryToPlace(ports, stored, voyage, signal);
  if (found.kind === 'placement') return found;
  // Waiting would not bring the versions together.
  if (found.failure.code === 'VersionSkew') return refused(found.of, found.failure);
  const now = ports.clock.now();
  voyage.placementSince ??= now;
  return now - voyage.placementSince < PLACEMENT_LIMIT_MS ? found : refused(found.of, found.failure);
}

async function tryToPlace(
  { agents, reservation }: ReconcilerPorts,
  stored: StoredMigration,
  voyage: Voyage,
  signal: AbortSignal,
): Promise<Placed> {
  if (!stored.spec.ok) return refused('source', failure(stored.spec.code, stored.spec.message));
  const { source } = stored.spec.value;
  const agent = agents.agent(source.nodeName);
  if (agent === null) {
    return later('source', failure('NodeUnknown', `no agent of node ${source.nodeName} is known`));
  }
  const described = await agent.describe([], signal);
  if (described.kind === 'unreachable') return later('source', described.failure);
  const found = sourceSet(stored, described);
  if (!found.ok) return found.isFinal ? refused('source', found.failure) : later('source', found.failure);
  const { ids } = found;
  const sourceProblem = checkSide(ids, described.devices, stored.uid) ?? checkWhole(ids, described.devices);
  if (sourceProblem !== null) return judged('source', sourceProblem);
  const set = ids.map((id) => described.devices.find((device) => device.id === id) as DeviceDescription);

  const reserved = await reservation.reserve(stored, set, signal);
  if (reserved.kind === 'later') return later('target', reserved.failure);
  if (reserved.kind === 'refused') return refused('target', reserved.failure);
  const chosen = keepPairing(voyage, reserved.devices);
  const targetIds = chosen.map(({ id }) => id);
  const targetProblem =
    checkSide(targetIds, chosen, stored.uid) ??
    checkPairs(set, chosen) ??
    checkWhole(targetIds, reserved.described);
  if (targetProblem !== null) return judged('target', targetProblem);
  const nodeName = targetNodeOf(stored.spec.value, stored.status);
  if (reserved.nodeName !== nodeName) {
    const message = `node ${reserved.nodeName} was reserved instead of ${nodeName}`;
    return refused('target', failure('Internal', message));
  }
  if (!reservation.hold(stored.uid, targetIds)) {
    const message = `another migration was given a device of node ${reserved.nodeName} at the same time`;
    return later('target', failure('DeviceBusy', message));
  }
  const { transferEndpoint: sourceEndpoint } = described;
  return {
    kind: 'placement',
    placement: { kind: 'placed', sourceDevices: ids, targetDevices: targetIds, sourceEndpoint },
  };
}

/** A target that has bound its devices already keeps them, in its order. */
function keepPairing(voyage: Voyage, reserved: readonly DeviceDescription[]): readonly DeviceDescription[] {
  const { target } = voyage.memory;
  if (target.kind !== 'session' || target.session.devices.length === 0) return reserved;
  const bound = target.session.devices.map(({ id }) => reserved.find((device) => device.id === id));
  return bound.every((device) => device !== undefined) ? bound : reserved;
}
