import { errors } from '@transship/crds';
import type { ErrorCode } from '@transship/crds';
import type { KnownState } from '../core/device-state.ts';

/** Why one device is withheld from everybody. */
export interface QuarantineEntry {
  readonly deviceId: string;
  /** When it began. */
  readonly since: Date;
  /** UID of the migration that it happened to; empty when it is of none, or nobody knows. */
  readonly uid: string;
  /** Of crds/src/errors.ts, or of a later version of it. */
  readonly code: string;
  /** What happened, for people. */
  readonly message: string;
  /** What a person does about it. */
  readonly remedy: string;
}

/** More sessions than an agent keeps, with a failed RESET each. */
const MAX_COUNTED = 8192;

export const quarantineEntry = (
  deviceId: string,
  since: Date,
  uid: string,
  code: ErrorCode,
  message: string,
): QuarantineEntry => ({ deviceId, since, uid, code, message, remedy: errors[code].remedy });

/** The list, and what was taken account of: a person may have brought back the devices since. */
export interface QuarantineList {
  readonly entries: readonly QuarantineEntry[];
  /** UIDs of migrations whose journal was refused. */
  readonly refusedJournals: readonly string[];
  /** `resetKey` of each device of a session whose RESET has failed. */
  readonly failedResets: readonly string[];
}

/** Names a device within a session. */
export const resetKey = (uid: string, deviceId: string): string => `${uid} ${deviceId}`;

/** What was found on disk at the start. */
export type StoredQuarantine =
  | { readonly kind: 'none' }
  | ({ readonly kind: 'list' } & QuarantineList)
  | { readonly kind: 'unreadable'; readonly path: string; readonly why: string };

export interface QuarantineStore {
  load(): Promise<StoredQuarantine>;
  /** Durable when it resolves. Calls do not overlap. */
  write(list: QuarantineList): Promise<void>;
}

/**
 * Devices that nobody may have: their RESET failed, or they were found in a state that no journal explains. They are
 * refused to every migration, and what is found is never reset: it may be the only copy of somebody's state. The list
 * outlives the agent and the journals of the sessions; a person takes a device out of it.
 */
export class Quarantine {
  readonly #store: QuarantineStore;
  readonly #assessed = new Set<string>();
  readonly #entries = new Map<string, QuarantineEntry>();
  /** Devices whose entry is on disk. */
  readonly #durable = new Set<string>();
  #refusedJournals: readonly string[] = [];
  readonly #failedResets = new Set<string>();
  #tail: Promise<unknown> = Promise.resolve();

  constructor(store: QuarantineStore) {
    this.#store = store;
  }

  load(): Promise<StoredQuarantine> {
    return this.#store.load();
  }

  /**
   * Begins with what the start came to, which is written when that is news. Rejects when it cannot be: the devices are
   * withheld, and the next write has them.
   */
  async begin(list: QuarantineList, stored: StoredQuarantine): Promise<void> {
    const { entries, refusedJournals, failedResets } = list;
    for (const entry of entries) this.#entries.set(entry.deviceId, entry);
    this.#refusedJournals = refusedJournals;
    for (const key of failedResets) this.#failedResets.add(key);
    if (isStored(list, stored)) for (const { deviceId } of entries) this.#durable.add(deviceId);
    else await this.#write(() => this.all);
  }

  get all(): readonly QuarantineEntry[] {
    return [...this.#entries.values()];
  }

  entry(deviceId: string): QuarantineEntry | null {
    return this.#entries.get(deviceId) ?? null;
  }

  /** Withholds a device at once; resolves when that is durable. The first reason stands. Rejects when it cannot be written. */
  async add(entry: QuarantineEntry): Promise<void> {
    const { deviceId } = entry;
    const key = entry.code === 'ResetFailed' ? resetKey(entry.uid, deviceId) : null;
    const isCounted = key === null || this.#failedResets.has(key);
    if (this.#durable.has(deviceId) && isCounted) return;
    if (key !== null) this.#failedResets.add(key);
    if (!this.#entries.has(deviceId)) this.#entries.set(deviceId, entry);
    await this.#write(() => this.all);
  }

  /** Gives a device back when that is durable. Rejects when it cannot be written; the device stays withheld then. */
  async release(deviceId: string): Promise<void> {
    await this.#write(() => this.all.filter((entry) => entry.deviceId !== deviceId));
    this.#entries.delete(deviceId);
    this.#durable.delete(deviceId);
  }

  assessed(deviceId: string): boolean {
    return this.#assessed.has(deviceId);
  }

  /**
   * The first state that a device shows since the start decides; one that does not answer is decided later. Resolves with
   * the entry that it made. Rejects when that cannot be written: the device is withheld, and to be assessed again.
   */
  async assess(
    deviceId: string,
    state: KnownState,
    owner: string | null,
    now: Date,
  ): Promise<QuarantineEntry | null> {
    if (state === 'Unknown' || this.assessed(deviceId)) return null;
    const isFine = state === 'Running' || owner !== null;
    if (!isFine && !this.#durable.has(deviceId)) {
      const message = `it was ${state} when the agent started, and no journal says why`;
      const entry = quarantineEntry(deviceId, now, '', 'StateUnexplained', message);
      await this.add(entry);
      this.#assessed.add(deviceId);
      return entry;
    }
    this.#assessed.add(deviceId);
    return null;
  }

  #write(entriesThen: () => readonly QuarantineEntry[]): Promise<void> {
    const turn = this.#tail.then(async () => {
      const entries = entriesThen();
      const failedResets = [...this.#failedResets].slice(-MAX_COUNTED);
      await this.#store.write({ entries, refusedJournals: this.#refusedJournals, failedResets });
      for (const { deviceId } of entries) this.#durable.add(deviceId);
    });
    this.#tail = turn.catch(() => undefined);
    return turn;
  }
}

/** Whether a list is on disk as it is, in whatever order. */
function isStored(list: QuarantineList, stored: StoredQuarantine): boolean {
  if (stored.kind === 'unreadable') return false;
  return textOf(list) === textOf(stored.kind === 'list' ? stored : NOTHING);
}

const NOTHING: QuarantineList = { entries: [], refusedJournals: [], failedResets: [] };

const textOf = ({ entries, refusedJournals, failedResets }: QuarantineList): string =>
  JSON.stringify([
    entries
      .map(({ deviceId, since, uid, code, message, remedy }) =>
        JSON.stringify([deviceId, since, uid, code, message, remedy]),
      )
      .toSorted(),
    refusedJournals.toSorted(),
    failedResets.toSorted(),
  ]);
