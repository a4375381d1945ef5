/** Orders of a session to its workload. */
import type { Session } from '../core/session.ts';
import { WorkloadGone, freezeIdOf, savingIdOf } from '../workload/freezer.ts';
import type { Freezer } from '../workload/freezer.ts';

export type WorkloadOp = 'freeze' | 'thaw' | 'discard';

/**
 * Only what an order could harm is asked: the freeze of the source comes before anything was promised, and a target that
 * was started anew has lost its devices, so nothing is thawed there.
 */
export const mayBeOfAnother = ({ role }: Session, op: WorkloadOp): boolean =>
  op === 'discard' || op === (role === 'source' ? 'thaw' : 'freeze');

/**
 * A workload that began after the set was bound is not the migration's to freeze, tell or end: the one of the set went
 * before it. @throws WorkloadGone
 */
export async function refuseAnother(workload: Freezer, { devices }: Session): Promise<void> {
  if (await workload.beganAfter(devices.map(({ incarnation }) => incarnation)))
    throw new WorkloadGone('the workload of this set has ended, and another has begun in its place');
}

/** A workload that is let go on must know first which of its devices lost what they held. */
export async function thaw(workload: Freezer, session: Session): Promise<void> {
  const ids = idsOf(session);
  const lost = lostOf(session).flatMap((index) => ids[index] ?? []);
  if (session.role === 'source' && lost.length > 0) await workload.devicesReset(lost);
  await workload.thaw(attemptOf(session));
}

/**
 * What a thaw takes back: the freeze of the source, or the load of the target. A target that is given up is frozen by
 * another name, so a thaw of its load that comes late is refused from then on.
 */
const attemptOf = ({ uid, role, generation }: Session): string =>
  role === 'source' ? freezeIdOf(uid) : savingIdOf(uid, generation);

/** Devices of the set by their index. */
export const lostOf = ({ devices }: Session): number[] =>
  devices.flatMap(({ lost }, index) => (lost ? [index] : []));

export const idsOf = (session: Session): string[] => session.devices.map((device) => device.id);
