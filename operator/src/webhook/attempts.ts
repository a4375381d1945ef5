import { type DeviceMigrationStatus, EVACUATION_PREFIX, isTerminal } from '@transship/crds';

/** One DeviceMigration that an eviction made, as the API server holds it. */
export interface Attempt {
  readonly namespace: string;
  readonly name: string;
  /** 1 for the first of its pod. */
  readonly number: number;
  /** It was deleted and is on its way back. */
  readonly cancelled: boolean;
  readonly createdAt: Date;
  readonly status: DeviceMigrationStatus;
}

/** After the first attempt; doubled by each further one, milliseconds. */
const FIRST_PAUSE_MS = 30_000;
const MAX_PAUSE_MS = 10 * 60_000;

/** Name of the nth attempt to move a pod, counted from 1: any replica that is asked comes to the same. */
export function attemptName(podUid: string, number: number): string {
  const first = `${EVACUATION_PREFIX}${podUid}`;
  return number === 1 ? first : `${first}-${number}`;
}

/** Which attempt of the pod has this name; null: none. */
export function attemptNumber(podUid: string, name: string): number | null {
  const first = attemptName(podUid, 1);
  if (name === first) return 1;
  const suffix = name.startsWith(`${first}-`) ? name.slice(first.length + 1) : '';
  return /^[1-9][0-9]{0,5}$/.test(suffix) && suffix !== '1' ? Number(suffix) : null;
}

/** The newest attempt; null without any. */
export function latest(attempts: readonly Attempt[]): Attempt | null {
  return attempts.reduce<Attempt | null>(
    (newest, attempt) => (newest === null || attempt.number > newest.number ? attempt : newest),
    null,
  );
}

/**
 * How long the next attempt has to wait after one that ended, milliseconds; 0: no longer. Told by the object alone, so that
 * neither a restart nor another replica makes it shorter.
 */
export function pauseLeftMs({ number, createdAt, status }: Attempt, now: Date): number {
  if (!isTerminal(status.phase)) return 0;
  const endedAt = status.completedAt === undefined ? createdAt : new Date(status.completedAt);
  const pauseMs = Math.min(MAX_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(number - 1, 10));
  return Math.min(pauseMs, Math.max(0, endedAt.getTime() + pauseMs - now.getTime()));
}
