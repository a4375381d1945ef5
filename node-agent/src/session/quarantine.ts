import type { ErrorCode } from '@transship/crds';
import type { KnownState } from '../core/device-state.ts';

/** Why one device is withheld from everybody. */
export interface QuarantineEntry {
  readonly deviceId: string;
  /** When it began. */
  readonly since: Date;
  /** UID of the migration that it happened to; empty when it is of none, or nobody knows. */
  readonly uid: string;
  readonly code: ErrorCode;
  /** What happened, for people. */
  readonly message: string;
}

/**
 * Devices that nobody may have: their RESET failed, or they were found in a state that no journal explains. They are
 * refused to every migration, and what is found is never reset: it may be the only copy of somebody's state.
 */
export class Quarantine {
  readonly #assessed = new Set<string>();
  readonly #entries = new Map<string, QuarantineEntry>();

  assessed(deviceId: string): boolean {
    return this.#assessed.has(deviceId);
  }

  /** The first state that a device shows since the start decides; one that does not answer is decided later. */
  assess(deviceId: string, state: KnownState, owner: string | null, since: Date): QuarantineEntry | null {
    if (state === 'Unknown' || this.assessed(deviceId)) return null;
    this.#assessed.add(deviceId);
    if (state === 'Running' || owner !== null || this.entry(deviceId) !== null) return null;
    const message = `it was ${state} when the agent started, and no journal says why`;
    return this.add({ deviceId, since, uid: '', code: 'StateUnexplained', message });
  }

  entry(deviceId: string): QuarantineEntry | null {
    return this.#entries.get(deviceId) ?? null;
  }

  /** The first reason stands. */
  add(entry: QuarantineEntry): QuarantineEntry {
    const first = this.entry(entry.deviceId) ?? entry;
    this.#entries.set(entry.deviceId, first);
    return first;
  }

  release(deviceId: string): void {
    this.#entries.delete(deviceId);
  }
}
