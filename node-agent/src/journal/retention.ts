import { bindsDevices } from '../core/phase.ts';
import type { JournalRecord } from './record.ts';

export interface Retention {
  /** How long an ended session is kept so that late commands meet its tombstone, ms. */
  readonly keepMs: number;
  /** How many ended sessions are kept at most; the oldest go first. */
  readonly keepCount: number;
}

/** A week is far longer than any operator holds on to an object it has not seen change. */
export const DEFAULT_RETENTION: Retention = { keepMs: 7 * 24 * 60 * 60 * 1000, keepCount: 1000 };

/** UIDs of records that need not be kept: ended, holding no device, and old or too many. A quarantine outlives them. */
export function expired(records: readonly JournalRecord[], now: Date, retention: Retention): string[] {
  const ended = records
    .filter(({ session }) => !bindsDevices(session.phase))
    .toSorted((a, b) => b.writtenAt.getTime() - a.writtenAt.getTime());
  const oldest = now.getTime() - retention.keepMs;
  return ended
    .filter((record, index) => index >= retention.keepCount || record.writtenAt.getTime() < oldest)
    .map((record) => record.session.uid);
}
