import type { DeviceSnapshot, SessionSnapshot } from '@transship/node-agent/contract';
import type { Step } from './step.ts';

/** Phases of a target in which it may run, now or by an order that is already out. */
const MAY_RUN: ReadonlySet<string> = new Set(['Verified', 'Activating', 'Starting', 'Active']);

const gone = ({ lost, quarantined }: DeviceSnapshot): boolean => lost || quarantined;

/** Names of the devices of which the agent says that they lost their state or are in quarantine. */
export const lostDevices = ({ devices }: SessionSnapshot): string[] =>
  devices.filter(gone).map(({ id }) => id);

/** No device answers its agent: as if nobody did. */
export const isDumb = ({ devices }: SessionSnapshot): boolean =>
  devices.length > 0 && devices.every(({ state }) => state === 'Unknown');

/** Devices are bound to it. */
export const holds = ({ phase }: SessionSnapshot): boolean =>
  phase !== 'Fenced' && phase !== 'Active' && phase !== 'Discarded';

/** It runs, or is whole and may run by an order that is out or goes on. */
export const mayRun = (session: SessionSnapshot): boolean =>
  session.phase === 'Active' ||
  (MAY_RUN.has(session.phase) && lostDevices(session).length === 0 && !isDumb(session));

/**
 * What the target's own agent says against letting the source run; null: the set cannot run at the target, by its own
 * word or because it is at the mercy of the person's proof.
 */
export function objectionOf(session: SessionSnapshot, node: string): string | null {
  const { phase } = session;
  if (phase === 'Active') return `the set runs on ${node}: its agent answers and says ${phase}`;
  if (phase === 'Discarded' || phase === 'Discarding') return withheld(session, node);
  if (lostDevices(session).length > 0 || isDumb(session)) return null;
  if (mayRun(session))
    return `the set may run on ${node}: its agent answers and says ${phase}, and all its devices are there`;
  return `the agent of ${node} answers and knows nothing of the set that it promised to run (it says ${phase}), so nobody knows whether the set runs there`;
}

/** A device that was given the set and could not be RESET may still be at work with it. */
function withheld({ devices, phase }: SessionSnapshot, node: string): string | null {
  const device = devices.find(({ quarantined }) => quarantined);
  return device === undefined
    ? null
    : `the RESET of ${device.id} on ${node} failed (it says ${phase}), so that device may still be at work there`;
}

/**
 * A target that answers is made to give up for good what it was given, and reset as far as its devices answer.
 * Empty: nothing is to be done about it, or nothing can be.
 */
export function discarding(
  session: SessionSnapshot,
  node: string,
  decision: Extract<Step, { kind: 'discardTarget' }>['decision'],
): Step[] {
  const { fence, phase } = session;
  if (fence === 0 || phase === 'Fenced' || phase === 'Discarded' || phase === 'Active') return [];
  if (!isDumb(session)) return [{ kind: 'discardTarget', node, decision }];
  // An agent that goes on by itself must not start them when they answer again.
  return phase === 'Discarding' ? [] : [{ kind: 'discardTarget', node, decision, silently: true }];
}
