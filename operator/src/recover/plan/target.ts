import type { DeviceSnapshot, SessionSnapshot } from '@transship/node-agent/contract';

/** Phases of a target in which it may run, now or by an order that is already out. */
const MAY_RUN: ReadonlySet<string> = new Set(['Verified', 'Activating', 'Starting', 'Active']);

const gone = ({ lost, quarantined }: DeviceSnapshot): boolean => lost || quarantined;

/** Names of the devices of which the agent says that they lost their state or are in quarantine. */
export const lostDevices = ({ devices }: SessionSnapshot): string[] =>
  devices.filter(gone).map(({ id }) => id);

/** No device answers its agent: as if nobody did. */
export const isDumb = ({ devices }: SessionSnapshot): boolean =>
  devices.length > 0 && devices.every(({ state }) => state === 'Unknown');

/**
 * What the target's own agent says against letting the source run; null: the set cannot run at the target, by its own
 * word or because it is at the mercy of the person's proof.
 */
export function objectionOf(session: SessionSnapshot, node: string): string | null {
  const { phase } = session;
  if (phase === 'Active') return `the set runs on ${node}: its agent answers and says ${phase}`;
  if (phase === 'Discarded' || phase === 'Discarding') return null;
  if (lostDevices(session).length > 0 || isDumb(session)) return null;
  if (MAY_RUN.has(phase))
    return `the set may run on ${node}: its agent answers and says ${phase}, and all its devices are there`;
  return `the agent of ${node} answers and knows nothing of the set that it promised to run (it says ${phase}), so nobody knows whether the set runs there; switch that node off, and run this again`;
}

/** The target answers and is to be reset: what it was given is of no use to anybody any more. */
export function mustDiscard(session: SessionSnapshot): boolean {
  const { fence, phase } = session;
  if (fence === 0 || phase === 'Discarded' || phase === 'Active') return false;
  return phase === 'Discarding' || lostDevices(session).length > 0;
}
