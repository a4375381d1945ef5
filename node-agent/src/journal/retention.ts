import { bindsDevices } from '../core/phase.ts';
import type { JournalRecord } from './record.ts';

/** How long something is kept, ms, and how many of it at most; the oldest go first. */
export interface Limit {
  readonly keepMs: number;
  readonly keepCount: number;
}

export interface Retention {
  /** Ended sessions, so that late commands meet their tombstone. */
  readonly ended: Limit;
  /**
   * Targets that run: until their source is released, which only its own node knows, nothing else says where the set is.
   * They have a limit of their own, so that no number of other sessions takes their place.
   */
  readonly active: Limit;
}

const DAY_MS = 24 * 60 * 60 * 1000;

/**
 * A week is far longer than any operator holds on to an object it has not seen change. A source may be away for much
 * longer: a node in repair. A session has some 4 KiB in memory and one file of 2, so what is kept stays below 24 MiB.
 */
export const DEFAULT_RETENTION: Retention = {
  ended: { keepMs: 7 * DAY_MS, keepCount: 1000 },
  active: { keepMs: 365 * DAY_MS, keepCount: 5000 },
};

/**
 * UIDs of records that need not be kept: ended, holding no device, and old or too many. A quarantine outlives them.
 * `mayBeOld`: whether the age of a record is to be believed; clocks of machines jump.
 */
export function expired(
  records: readonly JournalRecord[],
  now: Date,
  retention: Retention,
  mayBeOld: (uid: string) => boolean = () => true,
): string[] {
  const over = records.filter(({ session }) => !bindsDevices(session.phase));
  const isActive = ({ session }: JournalRecord): boolean => session.phase === 'Active';
  return [
    ...beyond(over.filter(isActive), now, retention.active, mayBeOld),
    ...beyond(
      over.filter((record) => !isActive(record)),
      now,
      retention.ended,
      mayBeOld,
    ),
  ];
}

function beyond(
  records: readonly JournalRecord[],
  now: Date,
  { keepMs, keepCount }: Limit,
  mayBeOld: (uid: string) => boolean,
): string[] {
  const oldest = now.getTime() - keepMs;
  const isOld = ({ writtenAt, session }: JournalRecord): boolean =>
    writtenAt.getTime() < oldest && mayBeOld(session.uid);
  return records
    .toSorted((a, b) => b.writtenAt.getTime() - a.writtenAt.getTime())
    .filter((record, index) => index >= keepCount || isOld(record))
    .map((record) => record.session.uid);
}
