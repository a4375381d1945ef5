import { bindsDevices } from '../core/phase.ts';
import type { Session } from '../core/session.ts';
import type { RefusedFile } from '../journal/journal.ts';
import { quarantineEntry } from './quarantine.ts';
import type { QuarantineEntry, StoredQuarantine } from './quarantine.ts';

/** What an agent finds when it starts. */
export interface Findings {
  readonly stored: StoredQuarantine;
  readonly sessions: readonly Session[];
  readonly refused: readonly RefusedFile[];
  /** Ids of the node's devices. */
  readonly devices: readonly string[];
  readonly now: Date;
}

export interface QuarantineStart {
  readonly entries: readonly QuarantineEntry[];
  readonly refusedJournals: readonly string[];
}

/**
 * Which devices are withheld from the start. The list on disk says it; where there is none yet, the sessions do. When it
 * cannot be read, every device is withheld. A journal that was refused since the last start withholds the devices that it
 * names, or, when it names none, all that no other session explains.
 */
export function quarantineAtStart({ stored, sessions, refused, devices, now }: Findings): QuarantineStart {
  const entries = new Map<string, QuarantineEntry>();
  const withhold = (entry: QuarantineEntry): void => {
    if (!entries.has(entry.deviceId)) entries.set(entry.deviceId, entry);
  };
  if (stored.kind === 'list') stored.entries.forEach(withhold);
  else sessions.flatMap((session) => failedResets(session, now)).forEach(withhold);

  const explained = new Set(
    sessions.flatMap(({ phase, devices: bound }) =>
      bindsDevices(phase) ? bound.map((device) => device.id) : [],
    ),
  );
  const known = new Set(stored.kind === 'list' ? stored.refusedJournals : []);
  for (const { uid, path, why, devices: named } of refused) {
    if (known.has(uid)) continue;
    const message = `the journal of migration ${uid} cannot be used (${why}); it is kept as ${path}`;
    for (const id of named ?? devices.filter((device) => !explained.has(device))) {
      withhold(quarantineEntry(id, now, uid, 'JournalRefused', message));
    }
  }
  if (stored.kind === 'unreadable') {
    const message = `the list of devices in quarantine cannot be read (${stored.why}); it is kept as ${stored.path}`;
    for (const id of devices) withhold(quarantineEntry(id, now, '', 'QuarantineUnreadable', message));
  }
  return { entries: [...entries.values()], refusedJournals: refused.map(({ uid }) => uid) };
}

/** Entries for the devices of a session whose RESET has failed. */
export function failedResets({ uid, devices, error }: Session, now: Date): QuarantineEntry[] {
  return devices.flatMap(({ id, quarantined }) => {
    if (!quarantined) return [];
    const message = error?.code === 'ResetFailed' && error.device === id ? error.message : 'its RESET failed';
    return [quarantineEntry(id, now, uid, 'ResetFailed', message)];
  });
}
