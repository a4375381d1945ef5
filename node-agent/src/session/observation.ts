import { randomBytes } from 'node:crypto';
import { within } from '../clock.ts';
import type { Clock } from '../clock.ts';
import { failure } from '../contract/failure.ts';
import type { Role, SourceCommand, TargetCommand } from '../core/command.ts';
import type { Observation, ObservedDevice } from '../core/effects.ts';
import type { AgentState, WorkloadState } from '../core/session.ts';
import type { MigratableDevice } from '../device/port.ts';
import type { Workloads } from '../workload/freezer.ts';
import type { SessionPorts } from './ports.ts';

/** Guessing it is out of the question; it is compared in constant time. */
const TICKET_BYTES = 32;
/** How long a device may take to tell what RESET clears: its session takes nothing else meanwhile, ms. */
const EXTERNALS_TIMEOUT_MS = 2_000;
/** The same for a workload that is asked for its devices, ms. */
const DESCRIBE_TIMEOUT_MS = 2_000;

/** A command and the side that it is for. */
interface Order {
  readonly role: Role;
  readonly command: SourceCommand | TargetCommand;
}

/**
 * Ids of the devices that matter to a command: the session's, or those it would bind. None to `commit`, which changes no
 * device and is written down before the target is started: a device that answers late would make the downtime longer.
 */
export function devicesOf(
  state: AgentState | null,
  command: SourceCommand | TargetCommand,
): readonly string[] {
  if (command.kind === 'commit') return [];
  const bound = state?.session.devices.map((device) => device.id) ?? [];
  if (bound.length > 0) return bound;
  return command.kind === 'prepare' ? command.devices : [];
}

/**
 * Looks at the world for one transition of session `uid`. A device that has an operation out is not asked, since
 * the answer would wait for the operation: it is told as the session knows it. The returned function adds who
 * holds what; call it right before the transition, so that two sessions cannot both find a device free.
 * `order`: the command that it is for, or null.
 */
export async function observe(
  ports: SessionPorts,
  clock: Clock,
  uid: string,
  state: AgentState | null,
  ids: readonly string[],
  order: Order | null,
): Promise<() => Observation> {
  const known = [...new Set(ids)].flatMap((id) => ports.devices.get(id) ?? []);
  const withExternals = bindsSource(state, order);
  const [seen, told, described] = await Promise.all([
    Promise.all(known.map((device) => look(clock, device, state, withExternals))),
    knownWorkload(state, order) ?? askedWorkload(ports.workloads, ids, order),
    bindsSet(state, order) ? within(clock, DESCRIBE_TIMEOUT_MS, describedBy(ports.workloads, ids), []) : [],
  ]);
  const named = ids.flatMap((id) => ports.members.workloadOf(id)?.devices ?? []);
  const ticket = randomBytes(TICKET_BYTES).toString('base64url');
  return () => ({
    devices: seen.map((device) => ({ ...device, ...holder(ports, uid, device.id) })),
    ...told,
    workloadDevices: [...new Set([...named, ...described])],
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

type Told = Pick<Observation, 'workload' | 'workloadTrouble'>;

/** What was loaded is gone with the process that has it: nobody waits for one that will not come back. */
async function askedWorkload(
  workloads: Workloads,
  ids: readonly string[],
  order: Order | null,
): Promise<Told> {
  if (ids.length === 0) return { workload: 'unknown' };
  try {
    const workload = workloads.of(ids);
    const { state, trouble } = await workload.ask();
    if (trouble === null) return { workload: state };
    if (order?.command.kind === 'activate' && (await workload.isGone())) return { workload: 'discarded' };
    const code = trouble.kind === 'silent' ? 'WorkloadUnreachable' : 'FreezeFailed';
    return { workload: 'unknown', workloadTrouble: failure(code, trouble.message) };
  } catch (error) {
    return { workload: 'unknown', workloadTrouble: failure('FreezeFailed', (error as Error).message) };
  }
}

/** null: to be asked, since a set is about to be bound, or to pass the point of no return with what was loaded. */
function knownWorkload(state: AgentState | null, order: Order | null): Told | null {
  if (state === null || state.session.devices.length === 0) return null;
  const activates = state.session.phase === 'Verified' && order?.command.kind === 'activate';
  return activates ? null : { workload: state.live.workload };
}

/** A set is about to be bound. */
const bindsSet = (state: AgentState | null, order: Order | null): boolean =>
  (state === null || state.session.phase === 'Fenced') && order?.command.kind === 'prepare';

/** What RESET clears in the devices of a source is read when they are bound, while it is as it should be. */
const bindsSource = (state: AgentState | null, order: Order | null): boolean =>
  bindsSet(state, order) && order?.role === 'source';

/** Never rejects: one that does not tell has the devices that the devices file says. */
async function describedBy(workloads: Workloads, ids: readonly string[]): Promise<readonly string[]> {
  try {
    return (await workloads.of(ids).describe()).devices;
  } catch {
    return [];
  }
}

type Seen = Omit<ObservedDevice, 'boundBy' | 'quarantined'>;

async function look(
  clock: Clock,
  device: MigratableDevice,
  state: AgentState | null,
  withExternals: boolean,
): Promise<Seen> {
  const index = state?.session.devices.findIndex((bound) => bound.id === device.id) ?? -1;
  const live = state?.live.devices[index];
  const bound = state?.session.devices[index];
  const busy = live !== undefined && live.op !== null;
  const { state: seen, incarnation } =
    busy && bound !== undefined
      ? { state: live.state, incarnation: bound.incarnation }
      : await device.observe();
  const { protocol = '', p2p = false, preCopy = false, resetSupported = false } = device.facts ?? {};
  const { id, unfit } = device;
  const externals =
    withExternals && seen === 'Running'
      ? await within(clock, EXTERNALS_TIMEOUT_MS, externalsOf(device), '')
      : '';
  return { id, state: seen, incarnation, protocol, p2p, preCopy, resetSupported, unfit, externals };
}

/** A device that does not tell is bound all the same: what it has is needed only if it must be RESET. */
async function externalsOf(device: MigratableDevice): Promise<string> {
  try {
    return (await device.readExternals()).toString('utf8');
  } catch {
    return '';
  }
}

function holder(
  ports: SessionPorts,
  uid: string,
  id: string,
): Pick<ObservedDevice, 'boundBy' | 'quarantined'> {
  return { boundBy: ports.bindings.boundBy(id, uid), quarantined: ports.bindings.quarantined(id) };
}
