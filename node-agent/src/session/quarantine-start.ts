import { bindsDevices } from '../core/phase.ts';
import type { Session } from '../core/session.ts';
import type { RefusedFile } from '../journal/journal.ts';
import { quarantineEntry, resetKey } from './quarantine.ts';
import type { QuarantineEntry, QuarantineList, StoredQuarantine } from './quarantine.ts';

/** What an agent finds when it starts. */
export interface Findings {
  readonly stored: StoredQuarantine;
  readonly sessions: readonly Session[];
  readonly refused: readonly RefusedFile[];
  /** Ids of the node's devices. */
  readonly devices: readonly string[];
  readonly now: Date;
}

/**
 * Which devices are withheld from the start. The list on disk says it, and sessions whose RESET failed under a version that
 * kept none. When it cannot be read, every device is withheld. A journal that was refused since the last start withholds the
 * devices that it holds, or, when it names none, all that no other session explains; until it can be read after all. What
 * a version that kept no list had refused is no news: workloads have used the devices since.
 */
export function quarantineAtStart({ stored, sessions, refused, devices, now }: Findings): QuarantineList {
  const entries = new Map<string, QuarantineEntry>();
  const withhold = (entry: QuarantineEntry): void => {
    if (!entries.has(entry.deviceId)) entries.set(entry.deviceId, entry);
  };
  const readable = new Set(sessions.map(({ uid }) => uid));
  /** Devices of a journal that came back into use; another one may still be about them. */
  const explainedAgain = new Set<string>();
  if (stored.kind === 'list') {
    for (const entry of stored.entries) {
      if (entry.code === 'JournalRefused' && readable.has(entry.uid)) explainedAgain.add(entry.deviceId);
      else withhold(entry);
    }
  }
  const counted = new Set(stored.kind === 'list' ? stored.failedResets : []);
  const resets = sessions.flatMap((session) => failedResets(session, now));
  resets.filter(({ uid, deviceId }) => !counted.has(resetKey(uid, deviceId))).forEach(withhold);

  const explained = new Set(
    sessions.flatMap(({ phase, devices: bound }) =>
      bindsDevices(phase) ? bound.map((device) => device.id) : [],
    ),
  );
  const known = new Set(stored.kind === 'list' ? stored.refusedJournals : []);
  for (const { uid, path, foundAt, why, devices: named } of refused) {
    if (stored.kind === 'none' && path === foundAt) continue;
    const message = `the journal of migration ${uid} cannot be used (${why}); it is kept as ${path}`;
    for (const id of named ?? devices.filter((device) => !explained.has(device))) {
      // A person may have brought it back since.
      if (known.has(uid) && !explainedAgain.has(id)) continue;
      withhold(quarantineEntry(id, now, uid, 'JournalRefused', message));
    }
  }
  if (stored.kind === 'unreadable') {
    const message = `the list of devices in quarantine cannot be read (${stored.why}); it is kept as ${stored.path}`;
    for (const id of devices) withhold(quarantineEntry(id, now, '', 'QuarantineUnreadable', message));
  }
  return {
    entries: [...entries.values()],
    refusedJournals: refused.map(({ uid }) => uid),
    failedResets: resets.map(({ uid, deviceId }) => resetKey(uid, deviceId)),
  };
}

/** Entries for the devices of a session whose RESET has failed. */
export function failedResets({ uid, devices, error }: Session, now: Date): QuarantineEntry[] {
  return devices.flatMap(({ id, quarantined }) => {
    if (!quarantined) return [];
    const message = error?.code === 'ResetFailed' && error.device === id ? error.message : 'its RESET failed';
    return [quarantineEntry(id, now, uid, 'ResetFailed', message)];
  });
}
