import { clipMessage, formatDuration, isTerminal } from '@transship/crds';
import type {
  Condition,
  DeviceMigrationStatus,
  ErrorCode,
  MigratingDevice,
  Phase,
  RecordedTarget,
} from '@transship/crds';
import type { Failure, KnownState } from '@transship/node-agent/contract';
import type { Action } from './action.ts';
import type { Observed, SessionView, SideView } from './observed.ts';
import { phaseOf } from './phase.ts';

/** What the loop has measured and decided, beside what it observed. */
export interface Report {
  readonly observed: Observed;
  readonly action: Action;
  readonly before: DeviceMigrationStatus;
  /** metadata.generation */
  readonly generation: number;
  /** RFC 3339 */
  readonly now: string;
  readonly bytesPerSecond: number;
  readonly downtime: { readonly ms: number; readonly estimated: boolean } | null;
}

type Written = Omit<DeviceMigrationStatus, 'fence' | 'stopping' | 'decision' | 'operator'>;

/** The status that people and tools should see: a pure function, the only place that sets conditions. */
export function statusOf(report: Report): Written {
  const { observed, action, now, downtime } = report;
  const { error: earlier, ...before } = report.before;
  const finished = action.kind === 'finish';
  const phase = finished
    ? action.phase
    : isTerminal(before.phase)
      ? before.phase
      : phaseOf(observed, before.phase);
  const devices = devicesOf(observed, before.devices) ?? before.devices;
  const transfer = transferOf(report);
  const why = finished ? action.failure : action.kind === 'stall' ? action.failure : null;
  const [left] = before.target?.abandoned ?? [];
  const error =
    earlier ?? (left && trim(left)) ?? firstError(observed) ?? (why === null ? undefined : trim(why));
  return {
    ...before,
    observedGeneration: report.generation,
    phase,
    generation: Math.max(before.generation, sessionOf(observed.source)?.generation ?? 0),
    startedAt: before.startedAt ?? now,
    ...(finished ? { completedAt: now } : {}),
    conditions: conditionsOf(report, phase, why),
    ...(devices === undefined ? {} : { devices }),
    ...(transfer === null ? {} : transfer),
    ...(downtime === null
      ? {}
      : { downtime: formatDuration(downtime.ms), downtimeEstimated: downtime.estimated }),
    ...(phase === 'Succeeded' || error === undefined ? {} : { error }),
  };
}

const sessionOf = (side: SideView): SessionView | null => (side.kind === 'session' ? side.session : null);

const trim = ({ code, message }: Pick<Failure, 'code' | 'message'>): { code: string; message: string } => ({
  code,
  message: message.slice(0, 4096),
});

/** Says that something else happened before, mostly on the other side, which may not have been heard of yet. */
const CONSEQUENCES: ReadonlySet<string> = new Set<ErrorCode>([
  'IllegalPhase',
  'StaleFence',
  'StaleSequence',
  'TicketInvalid',
]);

/** Told for as long as the call is out: an error only when the migration is given up for it. */
const isStuck = ({ code }: Failure): boolean => code === ('DeviceStuck' satisfies ErrorCode);

function firstError({ source, target }: Observed): { code: string; message: string } | undefined {
  const causes = [sessionOf(source)?.error, sessionOf(target)?.error].filter(
    (error) => error !== undefined && error !== null && !CONSEQUENCES.has(error.code) && !isStuck(error),
  );
  const [failure = null] = causes;
  return failure === null ? undefined : trim(failure);
}

/**
 * The API has no word for a device that does not answer: what was told of it last is the more useful one. One that was
 * never told of was Running, as preflight asks of both sides.
 */
const shown = (
  now: KnownState | undefined,
  before: MigratingDevice['state'] | undefined,
): MigratingDevice['state'] => (now === undefined || now === 'Unknown' ? (before ?? 'Running') : now);

/** Agents that do not tell it know only the older one. */
const protocolOf = (told: string | undefined): MigratingDevice['protocol'] => (told === 'v2' ? 'v2' : 'v1');

function devicesOf(
  { source, target, placement }: Observed,
  before: readonly MigratingDevice[] = [],
): MigratingDevice[] | undefined {
  const s = sessionOf(source);
  const t = sessionOf(target);
  const from =
    s !== null && s.devices.length > 0 ? s.devices.map(({ id }) => id) : placed(placement)?.sourceDevices;
  const to =
    t !== null && t.devices.length > 0 ? t.devices.map(({ id }) => id) : placed(placement)?.targetDevices;
  if (from === undefined || to === undefined || from.length !== to.length) return undefined;
  return from.map((id, index) => {
    const stream = (side: SessionView | null) =>
      side?.streams.find(({ totals }) => totals.kind === 'device' && totals.deviceIndex === index);
    const loaded = stream(t)?.totals ?? stream(s)?.totals;
    const pending = stream(s)?.pendingBytes ?? 0;
    const bytes = loaded?.bytes ?? 0;
    return {
      source: id,
      target: to[index] ?? '',
      protocol: protocolOf(s?.devices[index]?.protocol ?? t?.devices[index]?.protocol),
      state: shown(s?.devices[index]?.state, before.find((told) => told.source === id)?.state),
      targetState: shown(
        t?.devices[index]?.state,
        before.find((told) => told.target === to[index])?.targetState,
      ),
      bytes,
      totalBytes: bytes + pending,
      segments: loaded?.segments ?? 0,
      generation: t?.generation ?? s?.generation ?? 0,
    };
  });
}

const placed = (
  placement: Observed['placement'],
): Extract<typeof placement, { kind: 'placed' }> | undefined =>
  placement.kind === 'placed' ? placement : undefined;

/** Sums over every stream of the set, device or not. */
function transferOf({ observed, bytesPerSecond }: Report): Pick<Written, 'transfer' | 'progress'> | null {
  const t = sessionOf(observed.target);
  const s = sessionOf(observed.source);
  if (t === null || t.streams.length === 0) return null;
  const bytes = t.streams.reduce((sum, { totals }) => sum + totals.bytes, 0);
  const pending = s?.streams.reduce((sum, { pendingBytes }) => sum + pendingBytes, 0) ?? 0;
  const totalBytes = bytes + pending;
  const done = t.streams.every(({ ended }) => ended);
  const percent = done ? 100 : totalBytes === 0 ? 0 : Math.min(99, Math.floor((bytes * 100) / totalBytes));
  const rate = Math.round(bytesPerSecond);
  const eta = rate > 0 && pending > 0 ? { eta: formatDuration(Math.ceil((pending / rate) * 1000)) } : {};
  return {
    transfer: { bytes, totalBytes, bytesPerSecond: done ? 0 : rate, ...eta },
    progress: `${percent}%`,
  };
}

/** kstatus: Ready always; Reconciling and Stalled only while True; DeviceLost only while a device is. */
function conditionsOf(report: Report, phase: Phase, why: Failure | null): Condition[] {
  const { observed, action } = report;
  const wanted: Omit<Condition, 'lastTransitionTime' | 'observedGeneration'>[] = [];
  const add = (type: string, status: 'True' | 'False', reason: string, message: string): number =>
    wanted.push({ type, status, reason, message: clipMessage(message) });
  if (phase === 'Succeeded') add('Ready', 'True', 'Succeeded', 'The set runs on the target node.');
  else if (why !== null) add('Ready', 'False', why.code, why.message);
  else add('Ready', 'False', phase, `The set is being moved: ${phase}.`);
  if (why !== null && phase !== 'Aborted') add('Stalled', 'True', why.code, why.message);
  else if (!isTerminal(phase)) add('Reconciling', 'True', ...moving(observed, action, phase));
  const { target } = report.before;
  if (target !== undefined) add('TargetReplaced', 'True', 'FallbackNode', replaced(target));
  const lost = lostDevices(observed);
  if (lost.length > 0)
    add('DeviceLost', 'True', 'DeviceStateLost', `Lost or in quarantine: ${lost.join(', ')}.`);
  return wanted.map((condition) => {
    const old = report.before.conditions.find(({ type }) => type === condition.type);
    const same = old?.status === condition.status;
    return {
      ...condition,
      observedGeneration: report.generation,
      lastTransitionTime: same ? old.lastTransitionTime : report.now,
    };
  });
}

function replaced({ nodeName, abandoned }: RecordedTarget): string {
  const left = abandoned.map((one) => `${one.nodeName} was left (${one.code}: ${one.message})`);
  return `The set goes to ${nodeName}: ${left.join('; ')}.`;
}

function moving({ source, target }: Observed, action: Action, phase: Phase): [string, string] {
  for (const [side, name] of [
    [source, 'source'],
    [target, 'target'],
  ] as const) {
    if (side.kind === 'unreachable') {
      return ['WaitingForAgent', `The agent of the ${name} node does not answer: ${side.failure.message}`];
    }
  }
  const stuck = [...stuckDevices(source), ...stuckDevices(target)];
  if (stuck.length > 0) {
    return ['DeviceStuck', `Waiting for a call that has not come back from ${stuck.join(', ')}.`];
  }
  const error = sessionOf(target)?.error ?? sessionOf(source)?.error ?? null;
  if (error !== null && phase !== 'RollingBack') return ['Retrying', `${error.code}: ${error.message}`];
  return [phase, action.kind === 'wait' ? `Waiting for ${action.on}.` : `The set is in ${phase}.`];
}

const stuckDevices = (side: SideView): string[] =>
  sessionOf(side)?.devices.flatMap(({ id, state, stuck }) =>
    stuck ? [`${id} (last seen at ${state})`] : [],
  ) ?? [];

function lostDevices({ source, target }: Observed): string[] {
  const of = (side: SideView): string[] =>
    sessionOf(side)?.devices.flatMap(({ id, lost, quarantined }) => (lost || quarantined ? [id] : [])) ?? [];
  return [...of(source), ...of(target)];
}
