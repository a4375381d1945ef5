import { randomBytes } from 'node:crypto';
import type { SourceCommand, TargetCommand } from '../core/command.ts';
import type { Observation, ObservedDevice } from '../core/effects.ts';
import type { AgentState, WorkloadState } from '../core/session.ts';
import type { MigratableDevice } from '../device/port.ts';
import type { Workloads } from '../workload/freezer.ts';
import type { SessionPorts } from './ports.ts';

/** Guessing it is out of the question; it is compared in constant time. */
const TICKET_BYTES = 32;

/** Ids of the devices that matter to a command: the session's, or those it would bind. */
export function devicesOf(
  state: AgentState | null,
  command: SourceCommand | TargetCommand,
): readonly string[] {
  const bound = state?.session.devices.map((device) => device.id) ?? [];
  if (bound.length > 0) return bound;
  return command.kind === 'prepare' ? command.devices : [];
}

/**
 * Looks at the world for one transition of session `uid`. A device that has an operation out is not asked, since
 * the answer would wait for the operation: it is told as the session knows it. The returned function adds who
 * holds what; call it right before the transition, so that two sessions cannot both find a device free.
 */
export async function observe(
  ports: SessionPorts,
  uid: string,
  state: AgentState | null,
  ids: readonly string[],
): Promise<() => Observation> {
  const known = [...new Set(ids)].flatMap((id) => ports.devices.get(id) ?? []);
  const [seen, workload] = await Promise.all([
    Promise.all(known.map((device) => look(device, state))),
    state === null || state.session.devices.length === 0
      ? stateOfWorkload(ports.workloads, ids)
      : state.live.workload,
  ]);
  const ticket = randomBytes(TICKET_BYTES).toString('base64url');
  return () => ({
    devices: seen.map((device) => ({ ...device, ...holder(ports, uid, device.id) })),
    workload,
    ticket,
  });
}

/** Never rejects; `unknown` when the workload does not answer, or the devices are not all of one. */
export async function stateOfWorkload(workloads: Workloads, ids: readonly string[]): Promise<WorkloadState> {
  if (ids.length === 0) return 'unknown';
  try {
    return await workloads.of(ids).state();
  } catch {
    return 'unknown';
  }
}

type Seen = Omit<ObservedDevice, 'boundBy' | 'quarantined'>;

async function look(device: MigratableDevice, state: AgentState | null): Promise<Seen> {
  const index = state?.session.devices.findIndex((bound) => bound.id === device.id) ?? -1;
  const live = state?.live.devices[index];
  const bound = state?.session.devices[index];
  const busy = live !== undefined && live.op !== null;
  const { state: seen, incarnation } =
    busy && bound !== undefined
      ? { state: live.state, incarnation: bound.incarnation }
      : await device.observe();
  const { p2p = false, resetSupported = false } = device.facts ?? {};
  return { id: device.id, state: seen, incarnation, p2p, resetSupported };
}

function holder(
  ports: SessionPorts,
  uid: string,
  id: string,
): Pick<ObservedDevice, 'boundBy' | 'quarantined'> {
  return { boundBy: ports.bindings.boundBy(id, uid), quarantined: ports.bindings.quarantined(id) };
}
